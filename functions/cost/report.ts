import { microsPerUsd } from '../../shared/budget.ts';
import type { CostReport } from '../../shared/contract.ts';

/** What one owner's agent used of models on one day. */
export interface ModelUse extends Who {
  /** `2026-11-22`, in the plane's time zone. */
  readonly day: string;
  readonly calls: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly micros: number;
}

/** A machine from one time to another, in milliseconds since 1970; without an end where it still stands. */
export interface MachineUse extends Who {
  readonly from: number;
  readonly to?: number;
  /** Of a month of 730 hours; `null` where no price is known. */
  readonly usdPerMonth: number | null;
}

export interface Who {
  readonly agentId: string;
  readonly ownerEmail: string;
  readonly agentName: string;
  readonly ouPath: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Days, both included, with the times at which they begin and end where the plane is. */
export interface Period {
  readonly from: string;
  readonly to: string;
  readonly startsAt: number;
  readonly endsAt: number;
}

export interface CostInput {
  readonly planeId: string;
  readonly by: CostReport['by'];
  readonly period: Period;
  readonly now: number;
  /** This month, where the period reaches into it up to today: what a forecast is made from. */
  readonly month: Period | undefined;
  readonly models: AsyncIterable<ModelUse> | Iterable<ModelUse>;
  readonly machines: readonly MachineUse[];
}

type Row = CostReport['rows'][number];

interface Sum {
  readonly label: string;
  readonly agents: Set<string>;
  calls: number;
  inputTokens: number;
  outputTokens: number;
  micros: number;
  machineUsd: number | null;
  monthMicros: number;
  monthMachineUsd: number | null;
}

const msPerMonth = 730 * 3_600_000;
const toCents = (usd: number): number => Math.round(usd * 100) / 100;

function keyOf(by: CostReport['by'], { agentId, ownerEmail, agentName, ouPath, labels }: Who): readonly [key: string, label: string] {
  if (by === 'agent') return [agentId, `${agentName} (${ownerEmail})`];
  if (by === 'ou') return [ouPath, ouPath];
  const label = labels[by] ?? '';
  return [label, label === '' ? 'not said in the directory' : label];
}

/** How much of a machine falls between two times, in US dollars. */
function machineUsd({ from, to, usdPerMonth }: MachineUse, startsAt: number, endsAt: number, now: number): number | null {
  const ms = Math.min(to ?? now, endsAt) - Math.max(from, startsAt);
  if (ms <= 0) return 0;
  return usdPerMonth === null ? null : (usdPerMonth * ms) / msPerMonth;
}

const plus = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a + b);

/**
 * Sums what models and machines cost, by agent, org unit, department or cost centre. Each use counts where its owner was when it was
 * made; a price that is not known makes the machines of its row `null`, never 0. Pure.
 */
export async function makeCostReport({ planeId, by, period, now, month, models, machines }: CostInput): Promise<CostReport> {
  const sums = new Map<string, Sum>();
  const everything: Sum = newSum('all');

  function newSum(label: string): Sum {
    const money = { micros: 0, machineUsd: 0, monthMicros: 0, monthMachineUsd: 0 };
    return { label, agents: new Set(), calls: 0, inputTokens: 0, outputTokens: 0, ...money };
  }

  function sumsOf(who: Who): readonly Sum[] {
    const [key, label] = keyOf(by, who);
    const known = sums.get(key) ?? newSum(label);
    sums.set(key, known);
    return [known, everything];
  }

  for await (const use of models) {
    const within = use.day >= period.from && use.day <= period.to;
    const inMonth = month !== undefined && use.day >= month.from && use.day <= month.to;
    if (!within && !inMonth) continue;
    for (const sum of sumsOf(use)) {
      if (inMonth) sum.monthMicros += use.micros;
      if (!within) continue;
      sum.agents.add(use.agentId);
      sum.calls += use.calls;
      sum.inputTokens += use.inputTokens;
      sum.outputTokens += use.outputTokens;
      sum.micros += use.micros;
    }
  }
  for (const use of machines) {
    const usd = machineUsd(use, period.startsAt, period.endsAt, now);
    const stands = usd !== 0 || (use.usdPerMonth === 0 && use.from < period.endsAt && (use.to ?? now) > period.startsAt);
    // A machine that stands now is taken to stand until the month ends.
    const whole = month ? machineUsd({ ...use, to: use.to ?? month.endsAt }, month.startsAt, month.endsAt, now) : 0;
    if (!stands && whole === 0) continue;
    for (const sum of sumsOf(use)) {
      if (stands) sum.agents.add(use.agentId);
      sum.machineUsd = plus(sum.machineUsd, usd);
      sum.monthMachineUsd = plus(sum.monthMachineUsd, whole);
    }
  }

  function toRow(key: string, sum: Sum): Row {
    const modelUsd = sum.micros / microsPerUsd;
    const share = month ? (Math.min(now, month.endsAt) - month.startsAt) / (month.endsAt - month.startsAt) : 0;
    const forecast = month && share > 0 ? sum.monthMicros / microsPerUsd / share + (sum.monthMachineUsd ?? 0) : undefined;
    return {
      ...{ key, label: sum.label, agents: sum.agents.size, calls: sum.calls },
      ...{ inputTokens: sum.inputTokens, outputTokens: sum.outputTokens, modelUsd },
      machineUsd: sum.machineUsd === null ? null : toCents(sum.machineUsd),
      totalUsd: modelUsd + toCents(sum.machineUsd ?? 0),
      forecastUsd: forecast === undefined ? null : toCents(forecast),
    };
  }

  const rows = [...sums].map(([key, sum]) => toRow(key, sum)).filter(({ agents }) => agents > 0);
  rows.sort((a, b) => b.totalUsd - a.totalUsd || (a.label < b.label ? -1 : 1));
  const total = toRow('total', everything);
  const notes = [
    ...(total.machineUsd === null ? ['Machines without a known price are left out of totals.'] : []),
    ...(machines.some(({ usdPerMonth }) => usdPerMonth !== 0)
      ? ['Machines count at list price from creation to removal, paused time included.']
      : []),
  ];
  return { planeId, from: period.from, to: period.to, by, currency: 'USD', rows, total, notes };
}
