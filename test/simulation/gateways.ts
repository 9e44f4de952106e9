import { toStartOfDay } from '../../shared/budget.ts';
import type { Offer, Reservation } from '../../functions/budget/account.ts';
import { createBudget } from '../../functions/budget/budget.ts';
import { createCredentials } from '../../functions/core/credentials.ts';
import type { Wake } from '../../functions/core/schedule.ts';
import { tierModels } from '../../functions/model/models.ts';
import { prices, toMicros, toWorstNanos } from '../../functions/model/prices.ts';
import type { VirtualClock } from './clock.ts';
import { createWorkers } from './processes.ts';
import { createRandom, type Random } from './random.ts';
import { alive, countEffect, createStage, die, noFaults, openSession, pause, resume, type Stage, type Worker } from './session.ts';
import type { Caller, Spending } from './spending.ts';
import { createStorePort, type CommitWatch, type Memory } from './store-port.ts';
import { hashing, log, tokenKey } from './wiring.ts';

export interface GatewaysDeps {
  readonly seed: number;
  readonly clock: VirtualClock;
  readonly documents: Memory;
  readonly watch: CommitWatch;
  readonly spending: Spending;
  readonly wake: Wake;
  /** What goes wrong there goes wrong here, too; what happens here is counted there. */
  readonly main: Stage;
  readonly fail: (what: string) => void;
}

/** What the maker takes, in nano-dollars per token; typed anew, so that a wrong row in the table is found. */
const billedAs: Readonly<Record<string, { readonly input: number; readonly cached: number; readonly output: number }>> = {
  'gpt-5.1': { input: 1250, cached: 125, output: 10_000 },
  'gpt-5.4-mini': { input: 750, cached: 75, output: 4500 },
};
const sweepMs = 60_000;
const month = { first: '2026-01', next: '2026-02' } as const;
const zones = ['UTC', 'Asia/Kolkata', 'America/New_York'].map((zone) => ({ zone, endAt: toStartOfDay(`${month.next}-01`, zone) }));

/** A time zone, and a moment close before a month ends there, so that histories go over it. */
export function drawStart(seed: number): { readonly zone: string; readonly startAt: number; readonly endAt: number } {
  const random = createRandom(seed ^ 0x2545f491);
  const { zone, endAt } = random.pick(zones);
  return { zone, endAt, startAt: endAt - random.between(0, 12 * 60_000) };
}

function toOffer(model: string, inputTokens: number, maxOutput: number): Offer {
  const price = prices.openai[model];
  if (!price) throw new Error(`there is no price of ${model}`);
  const worst = toWorstNanos(price, inputTokens, false);
  return { model, inputNanos: worst.input, outputNanosPerToken: worst.output, maxOutput, minOutput: 16 };
}

/** Two processes of the model gateway before one maker: the door of their callers is left out, all that counts money is real. */
export function createGateways({ seed, clock, documents, watch, spending, wake, main, fail }: GatewaysDeps) {
  const random: Random = createRandom(seed ^ 0x51ed270b);
  const stage: Stage = createStage(clock, random);
  const { tally } = main;
  const workers = createWorkers(2);
  const { zone, endAt } = drawStart(seed);
  const minted = createCredentials({ key: tokenKey, store: documents, clock });
  const lives = new Map<string, ReturnType<typeof begin>>();
  let serial = 0;
  /** In some histories a few calls use a budget up, in others many go on at once. */
  const large = random.chance(0.5);

  function begin(worker: Worker) {
    const session = openSession(worker, 'model', clock);
    const store = createStorePort(session, documents, watch, stage);
    const credentials = createCredentials({ key: tokenKey, store, clock });
    const budget = createBudget({ store, clock, hashing, log, wake, random: () => `call-${(serial += 1)}` });
    return { session, credentials, budget };
  }
  /** What a process has in its memory is gone with its life. */
  function processOf(worker: Worker) {
    const known = lives.get(worker.name);
    if (known && alive(known.session)) return known;
    const fresh = begin(worker);
    lives.set(worker.name, fresh);
    return fresh;
  }

  /** Serves a call and says with which usage, if its answer is heard to the end. */
  function serve({ id, model, maxOutput, budget }: Reservation, inputTokens: number, caller: Caller) {
    const input = random.between(1, inputTokens);
    const cached = random.chance(0.5) ? random.between(0, input) : 0;
    const output = random.chance(0.2) ? maxOutput : random.between(1, maxOutput);
    const price = billedAs[model] ?? { input: NaN, cached: NaN, output: NaN };
    const nanos = (input - cached) * price.input + cached * price.cached + output * price.output;
    spending.bill({ id, budget }, caller, nanos);
    const row = prices.openai[model];
    const micros = row ? toMicros(row, { input: input - cached, cached, write5m: 0, write1h: 0, output }) : 0;
    return { inputTokens: input - cached, cachedTokens: cached, outputTokens: output, micros };
  }

  async function call(worker: Worker, agentId: string): Promise<void> {
    const { session, credentials, budget } = processOf(worker);
    const held = documents.peek('agents', agentId);
    if (!held) return;
    const key = minted.mint({ kind: 'model', agentId, incarnation: held.incarnation, extra: held.secretsVersion });
    const caller: Caller = { agentId, since: clock.now(), alive: () => alive(session) };
    spending.callers.add(caller);
    const inputTokens = random.between(100, large ? 200_000 : 20_000);
    const maxOutput = random.between(500, large ? 60_000 : 6_000);
    const models = [tierModels.openai.sonnet, ...(random.chance(0.4) ? [tierModels.openai.haiku] : [])];
    try {
      const { agent } = await credentials.check(key, 'model');
      const asked = clock.now();
      const reserved = await budget.reserve(
        agent,
        zone,
        models.map((model) => toOffer(model, inputTokens, maxOutput)),
      );
      if (!reserved.ok) return void (tally.modelRefusals += 1);
      const { reservation } = reserved;
      const over = (at: number): string => (at < endAt ? month.first : month.next);
      if (![asked, clock.now()].map(over).includes(reservation.budget.slice(-7))) fail(`5: a call is charged to ${reservation.budget}`);
      await toMaker(reservation, inputTokens, caller);
    } finally {
      spending.callers.delete(caller);
    }

    function toMaker(reservation: Reservation, tokens: number, from: Caller): Promise<void> {
      return new Promise((resolve, reject) => {
        const end = (settling: Promise<void>): void => void settling.then(resolve, reject);
        resume(stage, session, clock.now() + random.between(1, 300), () => {
          const side = countEffect(stage, session, 'maker.call');
          if (side === 'before') return die(stage, worker, side);
          const dice = random.next();
          // The maker is busy, and takes nothing.
          if (dice < 0.06) return end(budget.release(reservation));
          tally.modelCalls += 1;
          const used = serve(reservation, tokens, from);
          if (side === 'after') return die(stage, worker, side);
          const answerMs = random.chance(0.05) ? random.between(60_000, 10 * 60_000) : random.between(200, 20_000);
          // Who hangs up, or is cut off, never hears the usage.
          resume(stage, session, clock.now() + answerMs, () => end(budget.settle(reservation, dice < 0.2 ? undefined : used)));
        });
      });
    }
  }

  /** Each minute one process gives up what others that died have left open. */
  function minute(): void {
    const ups = workers.filter(({ up }) => up);
    // A failed sweep comes again.
    if (ups.length > 0)
      void processOf(random.pick(ups))
        .budget.sweep()
        .catch(() => undefined);
    clock.schedule(clock.now() + sweepMs, minute);
  }
  clock.schedule(clock.now() + sweepMs, minute);

  return {
    /** Every step has chances of its own. */
    reseed(stepSeed: number): void {
      random.reseed(stepSeed ^ 0x3c6ef372);
      // Now and then the store takes long enough for the other process to come in between.
      stage.faults = { ...main.faults, slow: Math.max(main.faults.slow, 0.1) };
    },
    calm(): void {
      stage.faults = noFaults;
      for (const worker of workers) [worker.crash, worker.stall] = [undefined, undefined];
    },
    /** So many callers at once, of one agent, at whichever process. */
    ask(agentId: string, callers: number): void {
      for (let left = callers; left > 0; left -= 1) {
        const worker = random.pick(workers);
        // Who is refused or cut off hears of it; what was set aside for them is charged when its time is over.
        if (worker.up) void call(worker, agentId).catch(() => undefined);
      }
    },
    crash(gateway: number, left: number, side: 'before' | 'after'): void {
      const worker = workers[gateway];
      if (worker?.up) worker.crash = { left, side };
    },
    stall(gateway: number, stallMs: number): void {
      const worker = workers[gateway];
      if (worker?.up) pause(stage, worker, stallMs);
    },
    /** At the end of a history: every row of the ledger is of a charge, and every charge has one. */
    audit(): string | undefined {
      const rows = new Map<string, number>();
      for (const [, { ownerId, day, micros }] of documents.entries('ledger')) {
        const budget = `${ownerId}/${day.slice(0, 7)}`;
        rows.set(budget, (rows.get(budget) ?? 0) + micros);
      }
      for (const [budget, { spentMicros }] of documents.entries('budgets'))
        if ((rows.get(budget) ?? 0) !== spentMicros)
          return `5: the ledger of ${budget} says ${rows.get(budget) ?? 0} micro-dollars, its budget ${spentMicros}`;
      return undefined;
    },
  };
}
export type Gateways = ReturnType<typeof createGateways>;
