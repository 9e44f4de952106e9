import { microsPerUsd } from '../../shared/budget.ts';
import type { Reservation } from '../../functions/budget/account.ts';
import type { BudgetRecord } from '../../functions/core/records.ts';
import type { VirtualClock } from './clock.ts';
import type { Memory, Write } from './store-port.ts';

/** One caller between the check of its key and the answer of the model's maker. */
export interface Caller {
  readonly agentId: string;
  readonly since: number;
  /** False once its process died: nothing is reserved for it any more. */
  readonly alive: () => boolean;
}

export interface SpendingDeps {
  readonly clock: VirtualClock;
  readonly documents: Memory;
  readonly fail: (what: string) => void;
}

const sumOf = ({ spentMicros, open }: BudgetRecord): number => Object.values(open).reduce((sum, { micros }) => sum + micros, spentMicros);

/** What makers really charged, held against the budgets of the plane and the caps of its agents. */
export function createSpending({ clock, documents, fail }: SpendingDeps) {
  /** By owner and month, in nano-dollars. */
  const billed = new Map<string, number>();
  /** What was ever set aside, by owner and month, in micro-dollars. */
  const setAside = new Map<string, number>();
  /** Every cap that an agent had, in US dollars, and since when. */
  const caps = new Map<string, { readonly since: number; readonly cap: number }[]>();
  const callers = new Set<Caller>();
  /** What the maker took for each call, in nano-dollars. */
  const taken = new Map<string, number>();
  /** Reservations that were given back, or lost. */
  const released = new Set<string>();

  /** The largest cap that an agent had since a moment, in micro-dollars. */
  function capSince(agentId: string, since: number): number {
    const known = caps.get(agentId) ?? [];
    const from = known.findLastIndex((each) => each.since <= since);
    return Math.max(0, ...known.slice(Math.max(0, from)).map(({ cap }) => cap)) * microsPerUsd;
  }

  /** What is no longer open was charged, or its call never reached the maker. */
  function followClosed(id: string, before: BudgetRecord, after: BudgetRecord): void {
    const charged = after.spentMicros - before.spentMicros;
    let owed = 0;
    for (const [call, { micros }] of Object.entries(before.open)) {
      if (after.open[call]) continue;
      owed += taken.get(call) ?? 0;
      if (charged < micros && !taken.has(call)) released.add(call);
    }
    if (owed > charged * 1000)
      fail(`5: the maker charged ${owed} nano-dollars for calls of ${id} that end, and the plane ${charged} micro-dollars`);
  }

  /** Budgets that something has happened to since they were last checked. */
  const moved = new Set<string>();

  function followBudget(id: string, record: BudgetRecord): void {
    moved.add(id);
    const before = documents.peek('budgets', id);
    if (before) followClosed(id, before, record);
    const [sum, formerly] = [sumOf(record), before ? sumOf(before) : 0];
    for (const [call, { micros }] of Object.entries(record.open))
      if (!before?.open[call]) setAside.set(id, (setAside.get(id) ?? 0) + micros);
    if (sum > (setAside.get(id) ?? 0))
      fail(`5: ${id} is charged ${sum} micro-dollars, and only ${setAside.get(id) ?? 0} were ever set aside`);
    if (sum <= formerly) return;
    let since = clock.now();
    for (const caller of callers) {
      if (!caller.alive()) callers.delete(caller);
      else if (caller.agentId === record.agentId) since = Math.min(since, caller.since);
    }
    const cap = capSince(record.agentId, since);
    if (sum > cap) fail(`5: ${sum} micro-dollars of ${id} are spent or set aside, and its cap is ${cap}`);
  }

  return {
    callers,
    onCommit(writes: readonly Write[]): void {
      for (const write of writes) {
        if (write.document === undefined) continue;
        if (write.collection === 'budgets') followBudget(write.id, write.document);
        if (write.collection !== 'agents') continue;
        const { budgetCap: cap } = write.document.spec;
        const known = caps.get(write.id) ?? [];
        caps.set(write.id, known);
        if (known.at(-1)?.cap !== cap) known.push({ since: clock.now(), cap });
      }
    },
    /** The maker serves a call. */
    bill({ id, budget }: Pick<Reservation, 'id' | 'budget'>, { agentId, since }: Caller, nanos: number): void {
      taken.set(id, nanos);
      moved.add(budget);
      if (released.has(id)) fail(`5: the maker charged ${nanos} nano-dollars of ${budget} for a call that nothing is set aside for`);
      const sum = (billed.get(budget) ?? 0) + nanos;
      billed.set(budget, sum);
      const cap = capSince(agentId, since);
      if (sum > cap * 1000) fail(`5: the maker charged ${sum} nano-dollars for ${budget}, and its cap is ${cap} micro-dollars`);
    },
    /** What must hold between any two steps. */
    check(): void {
      for (const budget of moved) {
        const nanos = billed.get(budget) ?? 0;
        const record = documents.peek('budgets', budget);
        const known = record ? sumOf(record) : 0;
        if (nanos > known * 1000)
          fail(`5: the maker charged ${nanos} nano-dollars for ${budget}, and the plane knows of ${known} micro-dollars`);
      }
      moved.clear();
    },
  };
}
export type Spending = ReturnType<typeof createSpending>;
