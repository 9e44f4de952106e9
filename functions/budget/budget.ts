import { toBudgetDate } from '../../shared/budget.ts';
import { agentChain, append, readHead } from '../core/audit.ts';
import { PlaneError, toMessage } from '../core/errors.ts';
import type { AgentRecord, BudgetRecord, LedgerRecord } from '../core/records.ts';
import { makeDue, type Wake } from '../core/schedule.ts';
import type { Store, Transaction } from '../core/store.ts';
import type { Clock, Hashing, Log } from '../core/surroundings.ts';
import {
  applyOperations,
  toBudgetId,
  type Charge,
  type Counted,
  type Offer,
  type Operation,
  type Outcome,
  type Reservation,
  type Reserved,
} from './account.ts';
import { alertKey } from './alerts.ts';
import { createLanes } from './lanes.ts';

export interface BudgetDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly log: Log;
  readonly wake: Pick<Wake, 'wake'>;
  /** A text that never comes twice. */
  readonly random: () => string;
}

export interface Budget {
  /** Sets the worst case of a call aside before it leaves; durable when it answers. */
  reserve(agent: AgentRecord, timeZone: string, offers: readonly Offer[]): Promise<Reserved>;
  /** Charges what the maker reported, or the whole reservation where it reported nothing. Again, or late, it does nothing. */
  settle(reservation: Reservation, used?: Counted & { readonly micros: number }): Promise<void>;
  /** Gives a reservation back: the maker never took the call. */
  release(reservation: Reservation): Promise<void>;
  /** Charges whole what was left open by processes that died; answers how many budgets it looked at. */
  sweep(): Promise<number>;
}

/** The longest that a call may take; a maker's answer is cut then. */
export const callMs = 10 * 60_000;
/** When a reservation is given up: late enough for any clock of ours to have cut the call before. */
const reservationMs = callMs + 5 * 60_000;
const sweptAtOnce = 200;

const toLedgerId = (record: BudgetRecord, { day, model }: Charge): string => `${record.ownerId}/${record.planeId}/${day}/${model}`;

function addTo(row: LedgerRecord | undefined, record: BudgetRecord, charge: Charge): LedgerRecord {
  const { planeId, ownerId, agentId, ownerEmail, ouPath, agentName, labels } = record;
  return {
    ...{ planeId, ownerId, agentId, ownerEmail, ouPath, agentName, day: charge.day, model: charge.model },
    ...(labels === undefined ? {} : { labels }),
    calls: (row?.calls ?? 0) + charge.calls,
    inputTokens: (row?.inputTokens ?? 0) + charge.inputTokens,
    cachedTokens: (row?.cachedTokens ?? 0) + charge.cachedTokens,
    outputTokens: (row?.outputTokens ?? 0) + charge.outputTokens,
    micros: (row?.micros ?? 0) + charge.micros,
    unsettled: (row?.unsettled ?? 0) + charge.unsettled,
  };
}

/** Monthly budgets: one document for each owner and month, and one transaction at a time for it in each process. */
export function createBudget({ store, clock, hashing, log, wake, random }: BudgetDeps): Budget {
  /** All reads of a transaction come before its writes, so what is to be read is found by applying the operations first. */
  async function work(tx: Transaction, id: string, operations: readonly Operation[], now: number) {
    const applied = applyOperations(await tx.get('budgets', id), operations, now);
    const { record, charges, alerts, entries } = applied;
    if (!record || !applied.changed) return applied;
    const rows = new Map<string, LedgerRecord | undefined>();
    for (const charge of charges) {
      const key = toLedgerId(record, charge);
      if (!rows.has(key)) rows.set(key, await tx.get('ledger', key));
    }
    const chain = agentChain(record.agentId);
    const head = entries.length > 0 ? await readHead(tx, chain, record.planeId) : undefined;
    const due = new Map<string, Awaited<ReturnType<typeof readDue>>>();
    const readDue = (key: string) => tx.get('schedule', key);
    for (const alert of alerts) due.set(alertKey(alert.id), await readDue(alertKey(alert.id)));

    tx.set('budgets', id, record);
    for (const charge of charges) rows.set(toLedgerId(record, charge), addTo(rows.get(toLedgerId(record, charge)), record, charge));
    for (const [key, row] of rows) if (row) tx.set('ledger', key, row);
    if (head) append(tx, head, entries, hashing);
    for (const alert of alerts) {
      tx.set('alerts', alert.id, alert);
      makeDue(tx, alertKey(alert.id), due.get(alertKey(alert.id)), now);
    }
    return applied;
  }

  const submit = createLanes<Operation, Outcome>(async (id, operations) => {
    const now = clock.now();
    const { outcomes, alerts } = await store.transact((tx) => work(tx, id, operations, now));
    for (const alert of alerts) wake.wake(alertKey(alert.id));
    return outcomes;
  });

  return {
    async reserve(agent, timeZone, offers) {
      const [now, id] = [clock.now(), random()];
      const { month, day } = toBudgetDate(now, timeZone);
      const budget = toBudgetId(agent.ownerId, month);
      try {
        const outcome = await submit(budget, { kind: 'reserve', id, agent, month, day, until: now + reservationMs, offers });
        if (outcome.kind === 'reserved') return outcome.reserved;
      } catch (error) {
        // Whether it was made may be unknown: what nobody will use is given back, or charged when its time is over.
        submit(budget, { kind: 'release', id }).catch((cause: unknown) =>
          log.warn(`cannot give back reservation ${id}: ${toMessage(cause)}`),
        );
        throw error;
      }
      throw new PlaneError('internal', `cannot reserve for agent ${agent.agentId}: the budget answered something else`);
    },
    async settle({ budget, id }, used) {
      await submit(budget, { kind: 'settle', id, ...(used ? { used } : {}) });
    },
    async release({ budget, id }) {
      await submit(budget, { kind: 'release', id });
    },
    async sweep() {
      const late = await store.query('budgets', 'byOpenUntil', { before: clock.now() + 1, limit: sweptAtOnce });
      await Promise.all(late.map(({ ownerId, month }) => submit(toBudgetId(ownerId, month), { kind: 'sweep' })));
      return late.length;
    },
  };
}
