import type { SQLInputValue } from 'node:sqlite';
import { DirectoryError, invalid, unsupported } from './answers.ts';
import { readPage } from './pages.ts';

export const applications = ['admin', 'groups_enterprise', 'login'] as const;
export type Application = (typeof applications)[number];

export interface ActivityQuery {
  /** AND-ed SQL over `activities`. */
  readonly conditions: readonly string[];
  readonly values: readonly SQLInputValue[];
  readonly size: number;
}

/** What makes a query one of the 250 filtered ones a minute (Reports API limits); `all` for the user does not. */
export const isFiltered = (userKey: string, query: Record<string, string>): boolean =>
  userKey !== 'all' || ['actorIpAddress', 'eventName', 'filters', 'groupIdFilter', 'orgUnitID'].some((name) => query[name] !== undefined);

const limits = { fallback: 1_000, max: 1_000, strict: true };
const unknownFilters = ['actorIpAddress', 'groupIdFilter', 'orgUnitID', 'resourceDetailsFilter', 'networkInfoFilter', 'statusFilter'];
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)$/;
const operators = { '==': '=', '<>': '<>', '>=': '>=', '<=': '<=', '>': '>', '<': '<' } as const;
const filterPattern = /^([A-Za-z_]\w*)(==|<>|>=|<=|>|<)(.+)$/;

function readTime(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (!rfc3339.test(text) || Number.isNaN(time)) throw invalid(`Invalid value for: Invalid format: "${text}" in ${name}`);
  return time;
}

/** `A==1,B<>2` as Google writes it; an activity lacks what is not a parameter of its event, and so does not match. */
function toFilter(filter: string): readonly [sql: string, values: readonly SQLInputValue[]] {
  const [, name = '', operator = '==', value = ''] = filterPattern.exec(filter) ?? [];
  if (name === '') throw invalid(`Invalid value for: filters ${filter}`);
  return [`json_extract(parameters, ?) ${operators[operator as keyof typeof operators]} ?`, [`$.${name}`, value]];
}

/** Reads the parameters of `activities.list`; which activities show at `now` is part of it. */
export function readActivityQuery(userKey: string, application: string, query: Record<string, string>, now: number): ActivityQuery {
  if (!applications.some((known) => known === application)) throw unsupported(`activities of ${application}`);
  const unknown = unknownFilters.find((name) => query[name] !== undefined);
  if (unknown !== undefined) throw unsupported(`${unknown} of activities.list`);
  const { size, after } = readPage(query, limits, now);
  const start = readTime('startTime', query['startTime']);
  const end = readTime('endTime', query['endTime']);
  if (start !== undefined && start > Math.min(end ?? now, now))
    throw new DirectoryError('invalid', 'Start time must be before end time and not in the future.');

  const conditions = ['application = ?', 'visibleAt <= ?', 'time >= ?', 'time <= ?'];
  const values: SQLInputValue[] = [application, now, start ?? 0, end ?? now];
  const add = (sql: string, ...more: readonly SQLInputValue[]) => {
    conditions.push(sql);
    values.push(...more);
  };
  if (userKey !== 'all') add('(actorEmail = ? OR actorId = ?)', userKey.toLowerCase(), userKey);
  if (query['eventName'] !== undefined) add('name = ?', query['eventName']);
  for (const filter of query['filters']?.split(',') ?? []) {
    const [sql, wanted] = toFilter(filter);
    add(sql, ...wanted);
  }
  if (after !== undefined) add('(time, id) < (?, ?)', ...after.split(' ').map(Number));
  return { conditions, values, size };
}
