import type { Operation } from '../../shared/contract.ts';
import { PlaneError } from '../core/errors.ts';
import { canonical, type Hashing, type Json } from '../core/surroundings.ts';

/*
 * An ETag here is `"<base>.<rest>"`. The base stands for what callers can change, the rest for all else in the answer. `If-None-Match`
 * compares the whole, `If-Match` the base alone: a heartbeat between a look and a change is no reason to refuse the change.
 */

/** What `If-Match` wants: one of these bases; absent where the caller does not mind, or minds only that it exists (`*`). */
export type IfMatch = readonly string[] | undefined;

const listed = (header: string): string[] => [...header.matchAll(/(?:W\/)?"([^"]*)"/g)].map(([, tag]) => tag ?? '');
const baseOf = (tag: string): string => tag.split('.')[0] ?? '';

export function readIfMatch(header: string | null): IfMatch {
  if (header === null || header.trim() === '*') return undefined;
  if (/^\s*(?:W\/)?"[\x21\x23-\x7e]*"(?:\s*,\s*(?:W\/)?"[\x21\x23-\x7e]*")*\s*$/.test(header)) return listed(header).map(baseOf);
  const problems = [{ path: 'If-Match', found: header.slice(0, 60), allowed: 'the ETag of the answer you saw, in quotes' }];
  throw new PlaneError('invalid', 'cannot accept If-Match: it holds no ETag; send the one of the answer you saw, in quotes', { problems });
}

/** Throws `preconditionFailed` where a thing is no longer as the caller saw it. */
export function requireMatch(ifMatch: IfMatch, base: string | undefined, what: string): void {
  if (ifMatch === undefined || (base !== undefined && ifMatch.includes(base))) return;
  throw new PlaneError('preconditionFailed', `cannot change ${what}: somebody changed it since you read it; read it again, then decide`);
}

/** Weak comparison, as RFC 9110 has it for `If-None-Match`. */
export const isKnown = (header: string | null, etag: string): boolean =>
  header !== null && (header.trim() === '*' || listed(header).includes(etag.slice(1, -1)));

type Answered = Readonly<Record<string, Json | undefined>>;

/** Of the answers that carry an ETag: what its base stands for. */
const mutable: Partial<Record<Operation, (answer: Answered) => Json | undefined>> = {
  getAgent: ({ revision }) => revision,
  getPlane: ({ revision }) => revision,
  getUser: ({ policy, problems, notes, active, ouPath }) => ({ policy, problems, notes, active, ouPath }),
  getPlan: ({ state, hash }) => ({ state, hash }),
  getOperation: ({ state }) => state,
};

export const carriesEtag = (operation: Operation): boolean => mutable[operation] !== undefined;

/** The read whose ETag a mutation's `If-Match` is about, by the parameter that names the thing; the first that fits. */
const readOf = [
  ['planId', 'getPlan'],
  ['operationId', 'getOperation'],
  ['agentId', 'getAgent'],
  ['userKey', 'getUser'],
  ['planeId', 'getPlane'],
] as const satisfies readonly (readonly [string, Operation])[];

export const readBehind = (path: string): Operation | undefined => readOf.find(([param]) => path.includes(`{${param}}`))?.[1];

export function createEtags({ sha256 }: Hashing) {
  const plain = (answer: unknown): Answered => JSON.parse(JSON.stringify(answer)) as Answered;
  const short = (value: Json | undefined): string => sha256(canonical(value)).slice(0, 16);

  /** The base of an answer's ETag; `undefined` of answers that carry none. */
  function baseOfAnswer(operation: Operation, answer: unknown): string | undefined {
    const part = mutable[operation]?.(plain(answer));
    if (part === undefined) return undefined;
    return typeof part === 'number' ? String(part) : short(part);
  }
  return {
    baseOf: baseOfAnswer,
    etagOf(operation: Operation, answer: unknown): string | undefined {
      const base = baseOfAnswer(operation, answer);
      return base === undefined ? undefined : `"${base}.${short(plain(answer))}"`;
    },
  };
}
