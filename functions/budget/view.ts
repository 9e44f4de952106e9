import type { Condition } from '../../shared/agent.ts';
import { formatMicros, microsPerUsd, toNextStart } from '../../shared/budget.ts';
import type { Store } from '../core/store.ts';
import { toBudgetId } from './account.ts';

export interface BudgetView {
  readonly month: string;
  readonly capUsd: number;
  /** With up to six decimals. */
  readonly spentUsd: number;
  /** Set aside for answers that are under way. */
  readonly reservedUsd: number;
  /** Of the cap, cut to whole per cent; 100 and more where the cap was lowered since. */
  readonly percent: number;
  readonly state: 'ok' | 'near' | 'exhausted';
}

export interface BudgetUse {
  readonly budget: BudgetView;
  readonly usage: { readonly calls: number; readonly inputTokens: number; readonly outputTokens: number };
}

/** An owner's budget of a month against the cap of now, and what was used for it. */
export async function budgetView(store: Pick<Store, 'get'>, ownerId: string, month: string, capUsd: number): Promise<BudgetUse> {
  const record = await store.get('budgets', toBudgetId(ownerId, month));
  const spentMicros = record?.spentMicros ?? 0;
  const reservedMicros = Object.values(record?.open ?? {}).reduce((sum, { micros }) => sum + micros, 0);
  const percent = capUsd === 0 ? 100 : Math.floor((spentMicros * 100) / (capUsd * microsPerUsd));
  // A call was refused near the end of it: what is left is too little. A cap that was raised since makes room again.
  const exhausted = percent >= 100 || (percent >= 95 && record?.alerted === 100);
  const state = exhausted ? 'exhausted' : percent >= 80 ? 'near' : 'ok';
  const { calls = 0, inputTokens = 0, outputTokens = 0 } = record ?? {};
  return {
    budget: { month, capUsd, spentUsd: spentMicros / microsPerUsd, reservedUsd: reservedMicros / microsPerUsd, percent, state },
    usage: { calls, inputTokens, outputTokens },
  };
}

export function toBudgetCondition({ state, month, spentUsd, capUsd }: BudgetView): Condition | undefined {
  if (state !== 'exhausted') return undefined;
  const spent = formatMicros(Math.round(spentUsd * microsPerUsd));
  return {
    type: 'BudgetExhausted',
    message: `${spent} of this month's $${capUsd} are spent; the budget starts again on ${toNextStart(month)}`,
  };
}
