import { DirectoryError, invalid } from './answers.ts';

export interface Page {
  readonly size: number;
  /** Where the page before ended. */
  readonly after: string | undefined;
}

/** A page token is valid for three days (Params$Resource$Users$List). */
const tokenLifetimeMs = 3 * 24 * 60 * 60 * 1000;

export interface PageLimits {
  readonly fallback: number;
  readonly max: number;
  /** Users, roles and assignments refuse a larger page; groups and members give their largest instead. */
  readonly strict: boolean;
}

export function readPage(query: Record<string, string>, { fallback, max, strict }: PageLimits, now: number): Page {
  const asked = query['maxResults'] === undefined ? fallback : Number(query['maxResults']);
  if (!Number.isInteger(asked) || asked < 1 || (strict && asked > max))
    throw new DirectoryError(
      'invalidParameter',
      `Invalid value '${query['maxResults']}'. Values must be within the range: [1, ${strict ? max : 2 ** 31 - 1}]`,
    );
  return { size: Math.min(asked, max), after: query['pageToken'] ? readToken(query['pageToken'], now) : undefined };
}

export const toPageToken = (after: string, now: number): string =>
  Buffer.from(JSON.stringify([now + tokenLifetimeMs, after])).toString('base64url');

function readToken(token: string, now: number): string {
  const [expiresAt, after] = parseToken(token);
  if (typeof expiresAt !== 'number' || expiresAt <= now || typeof after !== 'string') throw invalid('Invalid Input: pageToken');
  return after;
}

function parseToken(token: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    return Array.isArray(parsed) ? parsed : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Cuts one row more than a page down to the page and says where the next one begins. */
export function toPage<Row>(rows: Row[], size: number, keyOf: (row: Row) => string, now: number): { rows: Row[]; nextPageToken?: string } {
  const last = rows[size - 1];
  if (rows.length <= size || last === undefined) return { rows };
  return { rows: rows.slice(0, size), nextPageToken: toPageToken(keyOf(last), now) };
}
