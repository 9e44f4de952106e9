import type { z } from 'zod';
import { plusDays, toBudgetDate, toStartOfDay } from '../../shared/budget.ts';
import type { Contract, CostReport } from '../../shared/contract.ts';
import type { Plane } from '../../shared/plane.ts';
import { PlaneError } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import type { Clock } from '../core/surroundings.ts';
import { readMachineUse, readModelUse } from '../cost/read.ts';
import { makeCostReport, type Period } from '../cost/report.ts';
import type { Handlers } from './handlers.ts';

const mostDays = 400;

export interface CostDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly planeOf: (planeId: string) => Plane;
}

function toPeriod(from: string, to: string, timeZone: string): Period {
  return { from, to, startsAt: toStartOfDay(from, timeZone), endsAt: toStartOfDay(plusDays(to, 1), timeZone) };
}

/** `30d`: as many days up to today; `month`: this month so far; days that are named come before both. */
function readPeriod(
  asked: { readonly period: string; readonly from?: string | undefined; readonly to?: string | undefined },
  today: string,
) {
  const to = asked.to ?? today;
  const days = /^(\d+)d$/.exec(asked.period)?.[1];
  const from = asked.from ?? (days === undefined ? `${to.slice(0, 7)}-01` : plusDays(to, 1 - Number(days)));
  if (from > to) throw new PlaneError('invalid', `cannot report costs from ${from} to ${to}: the period ends before it begins`);
  if (plusDays(from, mostDays) < to)
    throw new PlaneError('invalid', `cannot report costs from ${from} to ${to}: at most ${mostDays} days at once`);
  return { from, to };
}

function toMonth(today: string, timeZone: string): Period {
  const from = `${today.slice(0, 7)}-01`;
  const next = `${plusDays(from, 31).slice(0, 7)}-01`;
  return toPeriod(from, plusDays(next, -1), timeZone);
}

type Query = z.infer<Contract['costReport']['query']>;

/** REQ-WS-05, REQ-INFRA-07: what agents cost. */
export function createCostReports({ store, clock, planeOf }: CostDeps) {
  return async function reportCosts(planeId: string, query: Query, signal: AbortSignal): Promise<CostReport> {
    const { timeZone, infrastructure } = planeOf(planeId).spec;
    const now = clock.now();
    const today = toBudgetDate(now, timeZone).day;
    const { from, to } = readPeriod(query, today);
    const period = toPeriod(from, to, timeZone);
    const month = from <= today && today <= to ? toMonth(today, timeZone) : undefined;
    const first = month && month.from < from ? month.from : from;
    const since = Math.min(period.startsAt, month?.startsAt ?? Infinity);
    const machines = await readMachineUse(store, planeId, infrastructure.provider, since, signal);
    const models = readModelUse(store, planeId, first, to, signal);
    return makeCostReport({ planeId, by: query.by, period, now, month, models, machines });
  };
}

export function createCostHandlers(deps: CostDeps): Pick<Handlers, 'costReport'> {
  const report = createCostReports(deps);
  return { costReport: ({ params, query, ctx }) => report(params.planeId, query, ctx.signal) };
}
