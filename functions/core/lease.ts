import { moveAssignment } from './assignments.ts';
import { append, readHead, agentChain, type Entry } from './audit.ts';
import { PlaneError, toError, toMessage } from './errors.ts';
import type { AuditHead, PartName, ScheduleRecord, StatusRecord } from './records.ts';
import { makeDue, passKey, publishKey, type Wake } from './schedule.ts';
import type { Store, Transaction } from './store.ts';
import type { Clock, Ctx, Hashing, Json, Log } from './surroundings.ts';

export interface LeaseDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly log: Log;
  readonly wake: Wake;
  /** Names this process. */
  readonly holder: string;
  /** How long a lease lasts, in milliseconds; longer than any effect. */
  readonly leaseMs: number;
}

export interface Effect {
  readonly part: PartName;
  readonly verb: 'apply' | 'revoke' | 'remove' | 'restart';
  readonly provider: string;
  readonly effectMs: number;
  readonly detail?: Json;
  run(ctx: Ctx): Promise<void>;
}

/** The right to act on one agent, until it is lost. */
export interface Lease {
  /**
   * Runs one effect: its audit row and deadline are durable before it starts, and it never outlives the lease. The row of how it
   * came out goes with the next thing the lease writes.
   */
  effect(effect: Effect): Promise<void>;
  /**
   * Runs effects side by side in the same way, and writes the status to begin with together with their rows; answers what went
   * wrong. Throws where none of them was begun.
   */
  effects(effects: readonly Effect[], begin?: StatusRecord): Promise<readonly unknown[]>;
  /** Writes the status before there are effects to remember in it. */
  begin(status: StatusRecord): Promise<void>;
  /** Writes the status and ends the lease; refused when the lease was lost. */
  record(status: StatusRecord | undefined, entries: readonly Entry[], also?: (tx: Transaction, head: AuditHead) => void): Promise<void>;
}

export type Acquired = { readonly lease: Lease } | { readonly heldMs: number };

const unwanted = (agentId: string, { part }: Effect): PlaneError =>
  new PlaneError('unavailable', `cannot go on with ${part} of agent ${agentId}: the agent is to be removed; the next pass removes it`);

const lost = (agentId: string): PlaneError =>
  new PlaneError('unavailable', `cannot go on with agent ${agentId}: its lease was lost; another pass has taken over`);

/** Takes the lease of an agent, or says for how long another holds it. */
export async function acquire(agentId: string, signal: AbortSignal, deps: LeaseDeps): Promise<Acquired> {
  const { store, clock, hashing, log, wake, holder, leaseMs } = deps;
  const chain = agentChain(agentId);
  const taken = await store.transact(async (tx) => {
    const now = clock.now();
    const held = await tx.get('leases', agentId);
    if (held && held.expiresAt > now) return { heldMs: held.expiresAt - now };
    const fence = (held?.fence ?? 0) + 1;
    tx.set('leases', agentId, { agentId, fence, holder, expiresAt: now + leaseMs });
    return { fence };
  });
  if ('heldMs' in taken) return { heldMs: taken.heldMs ?? leaseMs };
  const { fence } = taken;

  async function readOwn(tx: Transaction) {
    const held = await tx.get('leases', agentId);
    if (held?.fence !== fence) throw lost(agentId);
    return held;
  }

  const actor = { kind: 'plane', id: holder } as const;
  /** How effects came out, to be written with whatever is written next. */
  let ended: readonly Entry[] = [];

  async function start(effects: readonly Effect[], begin?: StatusRecord): Promise<{ expiresAt: number; until: number }> {
    return store.transact(async (tx) => {
      const held = await readOwn(tx);
      const status = begin ?? (await tx.get('statuses', agentId));
      const due = begin && (await tx.get('schedule', passKey(agentId)));
      // Whoever was suspended while the pass was at work gets nothing more.
      const builds = effects.find(({ verb }) => verb === 'apply' || verb === 'restart');
      if (builds && (await tx.get('agents', agentId))?.desired !== 'running') throw unwanted(agentId, builds);
      const head = await readHead(tx, chain);
      const now = clock.now();
      const until = now + Math.max(...effects.map(({ effectMs }) => effectMs));
      const expiresAt = Math.max(held.expiresAt, now + leaseMs);
      tx.set('leases', agentId, { ...held, expiresAt });
      if (status) tx.set('statuses', agentId, { ...status, effectsUntil: Math.max(status.effectsUntil, until) });
      if (begin) makeDue(tx, passKey(agentId), due, now);
      const rows = effects.map((effect): Entry => {
        const detail = { provider: effect.provider, fence, ...(effect.detail === undefined ? {} : { changes: effect.detail }) };
        return { at: now, actor, action: `effect.start ${effect.verb}`, target: effect.part, detail };
      });
      append(tx, head, [...ended, ...rows], hashing);
      return { expiresAt, until };
    });
  }

  async function effects(wanted: readonly Effect[], begin?: StatusRecord): Promise<readonly unknown[]> {
    const { expiresAt, until } = await start(wanted, begin);
    ended = [];
    const leftMs = until - clock.now();
    if (leftMs <= 0 || until > expiresAt) throw lost(agentId);
    const ctx = { signal: AbortSignal.any([signal, clock.deadline(leftMs)]), log };
    const failures: unknown[] = [];
    const run = async (wish: Effect): Promise<Entry> => {
      const outcome = await wish.run(ctx).then(
        () => ({ ok: true }),
        (error: unknown) => {
          failures.push(error);
          return { ok: false, error: toMessage(error) };
        },
      );
      return { at: clock.now(), actor, action: `effect.end ${wish.verb}`, target: wish.part, detail: outcome };
    };
    ended = await Promise.all(wanted.map(run));
    return failures;
  }

  async function effect(wanted: Effect): Promise<void> {
    const [failure] = await effects([wanted]);
    if (failure !== undefined) throw toError(failure);
  }

  /** A run before this one may be about to end the schedule, content with what it saw: what begins now is a new wish. */
  async function begin(status: StatusRecord): Promise<void> {
    await store.transact(async (tx) => {
      await readOwn(tx);
      const due = await tx.get('schedule', passKey(agentId));
      tx.set('statuses', agentId, status);
      makeDue(tx, passKey(agentId), due, clock.now());
    });
  }

  async function record(
    status: StatusRecord | undefined,
    entries: readonly Entry[],
    also?: (tx: Transaction, head: AuditHead) => void,
  ): Promise<void> {
    await store.transact(async (tx) => {
      const held = await readOwn(tx);
      const current = status && (await tx.get('statuses', agentId));
      const publish: ScheduleRecord | undefined = status && (await tx.get('schedule', publishKey(agentId)));
      const told = status !== undefined && status.secretsVersion !== current?.secretsVersion;
      const assignment = told ? await tx.get('assignments', agentId) : undefined;
      const rows = [...ended, ...entries];
      const head = rows.length > 0 ? await readHead(tx, chain) : undefined;
      tx.set('leases', agentId, { ...held, expiresAt: 0 });
      if (status) {
        tx.set('statuses', agentId, { ...status, effectsUntil: Math.max(status.effectsUntil, current?.effectsUntil ?? 0) });
        makeDue(tx, publishKey(agentId), publish, clock.now());
        // The machine may have its new secrets now.
        if (told) moveAssignment(tx, agentId, assignment, clock.now());
      }
      if (!head) return;
      const end = append(tx, head, rows, hashing);
      also?.(tx, end);
    });
    if (status) wake.wake(publishKey(agentId));
  }

  return { lease: { effect, effects, begin, record } };
}

/** Ends every lease. Only for whoever knows that no other process works on this store, such as the holder of its lock. */
export async function endLeases({ store, clock }: Pick<LeaseDeps, 'store' | 'clock'>): Promise<void> {
  for (;;) {
    const held = await store.query('leases', 'byExpiry', { from: clock.now() + 1, limit: 500 });
    for (const lease of held) await store.transact(async (tx) => tx.set('leases', lease.agentId, { ...lease, expiresAt: 0 }));
    if (held.length < 500) return;
  }
}
