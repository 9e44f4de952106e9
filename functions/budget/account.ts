import { microsPerUsd } from '../../shared/budget.ts';
import type { Entry } from '../core/audit.ts';
import type { AgentRecord, AlertRecord, BudgetRecord, LedgerRecord } from '../core/records.ts';

/** A way to answer a call, in tokens and nano-dollars: thousandths of a micro-dollar. */
export interface Offer {
  readonly model: string;
  /** For all of the input, at most. */
  readonly inputNanos: number;
  readonly outputNanosPerToken: number;
  readonly maxOutput: number;
  /** Below this no answer is of any use. */
  readonly minOutput: number;
}

export interface Reservation {
  readonly id: string;
  /** The budget document it is open in. */
  readonly budget: string;
  /** Which of the offers was taken. */
  readonly offer: number;
  readonly model: string;
  readonly maxOutput: number;
  readonly micros: number;
}

/**
 * Why nothing was reserved: the month's budget is `exhausted`; this call is `tooLarge` for what is left; or it would fit, but
 * what is left is `reserved` for calls under way.
 */
export interface Refusal {
  readonly reason: 'exhausted' | 'tooLarge' | 'reserved';
  readonly month: string;
  readonly capUsd: number;
  /** What neither spending nor open reservations take. */
  readonly leftMicros: number;
}
export type Reserved = { readonly ok: true; readonly reservation: Reservation } | { readonly ok: false; readonly refusal: Refusal };

/** Tokens of one call as the ledger counts them. */
export interface Counted {
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

export type Operation =
  | {
      readonly kind: 'reserve';
      readonly id: string;
      readonly agent: AgentRecord;
      readonly month: string;
      readonly day: string;
      readonly until: number;
      readonly offers: readonly Offer[];
    }
  /** Without what was used, the whole reservation is charged. */
  | { readonly kind: 'settle'; readonly id: string; readonly used?: Counted & { readonly micros: number } }
  | { readonly kind: 'release'; readonly id: string }
  /** Only gives up what is past its time. */
  | { readonly kind: 'sweep' };

export type Outcome = { readonly kind: 'reserved'; readonly reserved: Reserved } | { readonly kind: 'done' };

/** What ledger rows grow by. */
export type Charge = Pick<
  LedgerRecord,
  'day' | 'model' | 'inputTokens' | 'cachedTokens' | 'outputTokens' | 'micros' | 'unsettled' | 'calls'
>;

export interface Applied {
  readonly record: BudgetRecord | undefined;
  readonly changed: boolean;
  readonly outcomes: readonly Outcome[];
  readonly charges: readonly Charge[];
  readonly alerts: readonly AlertRecord[];
  readonly entries: readonly Entry[];
}

/** A document of so many reservations is well within the megabyte that Firestore holds. */
const mostOpen = 3_000;
/** A refusal says that the budget is used up from here on; before, that the call was too large. */
const nearlyAll = 0.95;
const levels = [100, 95, 80] as const;

export const toBudgetId = (ownerId: string, month: string): string => `${ownerId}/${month}`;

const toWhole = (nanos: number): number => Math.ceil(nanos / 1000);
const worst = ({ inputNanos, outputNanosPerToken }: Offer, tokens: number): number => toWhole(inputNanos + outputNanosPerToken * tokens);

/** The first offer that fits whole, else as much of the last one as is left. `undefined` when not even its least fits. */
function choose(offers: readonly Offer[], leftMicros: number): Pick<Reservation, 'offer' | 'model' | 'maxOutput' | 'micros'> | undefined {
  for (const [offer, each] of offers.entries()) {
    const micros = worst(each, each.maxOutput);
    if (micros <= leftMicros) return { offer, model: each.model, maxOutput: each.maxOutput, micros };
  }
  const last = offers.at(-1);
  if (!last || worst(last, last.minOutput) > leftMicros) return undefined;
  const maxOutput = Math.floor((leftMicros * 1000 - last.inputNanos) / last.outputNanosPerToken);
  return { offer: offers.length - 1, model: last.model, maxOutput, micros: worst(last, maxOutput) };
}

/**
 * Applies operations to one owner's budget of one month, in the order of their arrival; what is past its time is charged whole
 * before. Whether a call fits is decided by spent + open + new ≤ cap and at once: nobody waits for others to end.
 */
export function applyOperations(before: BudgetRecord | undefined, operations: readonly Operation[], now: number): Applied {
  let record = before;
  const open = new Map(Object.entries(before?.open ?? {}));
  const outcomes: Outcome[] = [];
  const charges: Charge[] = [];
  const alerts: AlertRecord[] = [];
  const entries: Entry[] = [];
  let changed = false;

  let openSum = [...open.values()].reduce((sum, { micros }) => sum + micros, 0);

  function raise(level: 80 | 95 | 100): void {
    if (!record || record.alerted >= level) return;
    const { planeId, agentId, ownerId, ownerEmail, agentName, month, spentMicros, capUsd } = record;
    alerts.push({
      id: `${ownerId}/${month}/${level}`,
      planeId,
      agentId,
      agentName,
      ownerEmail,
      level,
      month,
      spentMicros,
      capUsd,
      at: now,
    });
    entries.push({
      ...{ at: now, actor: { kind: 'plane', id: planeId }, action: 'budget.alert', target: `${level} %` },
      detail: { month, spentMicros, capUsd },
    });
    record = { ...record, alerted: level };
    changed = true;
  }

  function close(id: string): BudgetRecord['open'][string] | undefined {
    const found = open.get(id);
    if (!found) return undefined;
    open.delete(id);
    openSum -= found.micros;
    changed = true;
    return found;
  }

  function charge(id: string, used: (Counted & { readonly micros: number }) | undefined): void {
    const found = close(id);
    // Given up and charged whole before, or released: nothing is charged twice.
    if (!found || !record) return;
    const micros = used?.micros ?? found.micros;
    const { inputTokens = 0, cachedTokens = 0, outputTokens = 0 } = used ?? {};
    record = {
      ...record,
      spentMicros: record.spentMicros + micros,
      calls: (record.calls ?? 0) + 1,
      inputTokens: (record.inputTokens ?? 0) + inputTokens + cachedTokens,
      outputTokens: (record.outputTokens ?? 0) + outputTokens,
    };
    const counted = { inputTokens, cachedTokens, outputTokens, calls: 1, unsettled: used ? 0 : 1 };
    charges.push({ day: found.day, model: found.model, micros, ...counted });
    if (micros > found.micros)
      entries.push({
        ...{ at: now, actor: { kind: 'plane', id: record.planeId }, action: 'budget.fault', target: found.model },
        detail: { reservedMicros: found.micros, reportedMicros: micros, ...counted },
      });
    const { spentMicros, capUsd } = record;
    const level = levels.find((each) => spentMicros > 0 && spentMicros * 100 >= capUsd * microsPerUsd * each);
    if (level) raise(level);
  }

  function reserve({ id, agent, month, day, until, offers }: Extract<Operation, { kind: 'reserve' }>): Reserved {
    const { planeId, agentId, ownerId, ownerEmail, ouPath, name: agentName } = agent;
    const labels = agent.labels === undefined ? {} : { labels: agent.labels };
    const about = { planeId, agentId, ownerEmail, ouPath, agentName, capUsd: agent.spec.budgetCap, ...labels };
    record = { ownerId, month, spentMicros: 0, open: {}, alerted: 0, ...record, ...about };
    const { spentMicros, capUsd } = record;
    const unspent = capUsd * microsPerUsd - spentMicros;
    const chosen = open.size < mostOpen ? choose(offers, unspent - openSum) : undefined;
    if (chosen) {
      const { micros, model } = chosen;
      open.set(id, { micros, until, day, model });
      openSum += micros;
      changed = true;
      return { ok: true, reservation: { ...chosen, id, budget: toBudgetId(ownerId, month) } };
    }
    const leftMicros = Math.max(0, unspent - openSum);
    const refuse = (reason: Refusal['reason']): Reserved => ({ ok: false, refusal: { reason, month, capUsd, leftMicros } });
    if (choose(offers, unspent)) return refuse('reserved');
    if (spentMicros < capUsd * microsPerUsd * nearlyAll) return refuse('tooLarge');
    raise(100);
    return refuse('exhausted');
  }

  // What is being settled just now is not given up, however late it comes.
  const named = new Set(
    operations.flatMap((operation) => (operation.kind === 'settle' || operation.kind === 'release' ? [operation.id] : [])),
  );
  for (const [id, { until }] of open) if (until <= now && !named.has(id)) charge(id, undefined);
  for (const operation of operations) {
    if (operation.kind === 'reserve') outcomes.push({ kind: 'reserved', reserved: reserve(operation) });
    else {
      if (operation.kind === 'settle') charge(operation.id, operation.used);
      if (operation.kind === 'release') close(operation.id);
      outcomes.push({ kind: 'done' });
    }
  }
  if (!record || !changed) return { record, changed: false, outcomes, charges, alerts, entries };
  const { openUntil: _former, ...rest } = record;
  const openUntil = open.size === 0 ? {} : { openUntil: Math.min(...[...open.values()].map(({ until }) => until)) };
  return { record: { ...rest, open: Object.fromEntries(open), ...openUntil }, changed, outcomes, charges, alerts, entries };
}
