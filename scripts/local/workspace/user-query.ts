import type { SQLInputValue } from 'node:sqlite';
import { unsupported } from './answers.ts';
import { isAdminSql, isDelegatedAdminSql } from './user-records.ts';

export interface Condition {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

const clausePattern = /\s*(?:([A-Za-z][\w.]*)\s*(>=|<=|[=:<>]))?('(?:\\'|[^'])*'|"[^"]*"|[^\s'"]+)/y;
const like = (value: string): string => value.replaceAll(/[\\%_]/g, '\\$&');

/** The subset of Google's search language (search-users) that this emulator knows, as SQL over `users u`; clauses are AND-ed. */
export function toConditions(query: string, subtreeOf: (orgUnitPath: string) => string[]): Condition[] {
  const conditions: Condition[] = [];
  let at = 0;
  while (at < query.trimEnd().length) {
    clausePattern.lastIndex = at;
    const match = clausePattern.exec(query);
    const [clause, field, operator = '', raw = ''] = match ?? [];
    if (clause === undefined) throw unsupported(`the query ${query}`);
    at = clausePattern.lastIndex;
    const value = /^['"]/.test(raw) ? raw.slice(1, -1).replaceAll("\\'", "'") : raw;
    const condition = toCondition(field, operator, value, subtreeOf);
    if (!condition) throw unsupported(`the query clause ${clause.trim()}`);
    conditions.push(condition);
  }
  return conditions;
}

function toCondition(
  field: string | undefined,
  operator: string,
  value: string,
  subtreeOf: (orgUnitPath: string) => string[],
): Condition | undefined {
  const starred = value.endsWith('*');
  const prefix = `${like(starred ? value.slice(0, -1) : value)}%`;
  const starts = (column: string) => `${column} LIKE ? ESCAPE '\\'`;
  switch (`${field ?? ''}${operator}${operator === ':' && starred ? '*' : ''}`) {
    case '':
      return { sql: `(${['u.email', 'u.givenName', 'u.familyName'].map(starts).join(' OR ')})`, values: [prefix, prefix, prefix] };
    case 'email=':
      return {
        sql: '(u.email = ? OR EXISTS (SELECT 1 FROM aliases WHERE userId = u.id AND email = ?))',
        values: [value.toLowerCase(), value.toLowerCase()],
      };
    case 'email:*':
      return {
        sql: `(${starts('u.email')} OR EXISTS (SELECT 1 FROM aliases WHERE userId = u.id AND ${starts('email')}))`,
        values: [prefix, prefix],
      };
    case 'givenName=':
    case 'familyName=':
      return { sql: `u.${field} = ? COLLATE NOCASE`, values: [value] };
    case 'givenName:*':
    case 'familyName:*':
      return { sql: starts(`u.${field}`), values: [prefix] };
    case 'name=':
      return { sql: `u.givenName || ' ' || u.familyName = ? COLLATE NOCASE`, values: [value] };
    case 'name:':
      return { sql: starts(`' ' || u.givenName || ' ' || u.familyName || ' '`), values: [`% ${like(value)} %`] };
    case 'orgUnitPath=':
      return { sql: 'u.orgUnitId IN (SELECT value FROM json_each(?))', values: [JSON.stringify(subtreeOf(value))] };
    case 'isSuspended=':
      return toFlag('u.suspended', value);
    case 'isArchived=':
      return toFlag('u.archived', value);
    case 'isAdmin=':
      return toFlag(isAdminSql, value);
    case 'isDelegatedAdmin=':
      return toFlag(`(NOT ${isAdminSql} AND ${isDelegatedAdminSql})`, value);
    default:
      return undefined;
  }
}

const toFlag = (sql: string, value: string): Condition | undefined =>
  value === 'true' || value === 'false' ? { sql: `${sql} = ?`, values: [value === 'true' ? 1 : 0] } : undefined;
