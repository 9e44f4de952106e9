import type { Fields, Owner } from './providers.ts';
import type { PartName } from './records.ts';
import { canonical, type Ctx, type Json } from './surroundings.ts';

/** What a look at one part found. `unknown` is a failed look: it never counts as absence. */
export type Observed =
  | { readonly state: 'absent' }
  | {
      readonly state: 'present';
      readonly owner: Owner;
      readonly ready: boolean;
      /** True when it no longer gives anybody access. */
      readonly revoked: boolean;
      readonly fields: Fields;
      readonly detail?: string;
      /** What an admin is told while it is not ready. */
      readonly complaint?: string;
    }
  | { readonly state: 'unknown'; readonly error: unknown };

export interface Change {
  readonly field: string;
  readonly from: Json | undefined;
  readonly to: Json;
}

/** One thing an agent is made of. Verbs keep the contract of the provider verbs they stand on. */
export interface Part {
  readonly name: PartName;
  /** Names the provider in receipts and audit rows. */
  readonly provider: string;
  /** How long one effect may take before its signal aborts it, in milliseconds. */
  readonly effectMs: number;
  /** What the observed fields should say. */
  readonly desired: Fields;
  /** Fields that the plane’s own doing moves: a difference there is never drift. */
  readonly moves?: readonly string[];
  /** An errand is done once and leaves nothing behind: removal passes it over. */
  readonly errand?: boolean;
  /** How long to wait before looking again while it is not ready, in milliseconds. */
  readonly waitMs: number;
  readonly observe: (ctx: Ctx) => Promise<Exclude<Observed, { state: 'unknown' }>>;
  readonly apply?: (changes: readonly Change[], ctx: Ctx) => Promise<void>;
  readonly revoke?: (ctx: Ctx) => Promise<void>;
  readonly remove?: (ctx: Ctx) => Promise<void>;
}

/** Lists everything of one kind that the plane holds anywhere. */
export interface Listing {
  readonly what: string;
  readonly provider: string;
  readonly list: (ctx: Ctx) => Promise<readonly Owner[]>;
}

export type PartStep =
  | { readonly verb: 'none' }
  | { readonly verb: 'wait' }
  | { readonly verb: 'apply'; readonly changes: readonly Change[] }
  | { readonly verb: 'refuse'; readonly owner: Owner };

export const isOwner = (a: Owner, b: Owner): boolean => a.planeId === b.planeId && a.agentId === b.agentId;

export function diff(desired: Fields, observed: Fields): Change[] {
  return Object.entries(desired)
    .filter(([field, to]) => canonical(observed[field]) !== canonical(to))
    .map(([field, to]) => ({ field, from: observed[field], to }));
}

/** What to do about one part of an agent that should exist. Pure. */
export function planPart(part: Pick<Part, 'desired' | 'apply'>, observed: Exclude<Observed, { state: 'unknown' }>, owner: Owner): PartStep {
  const present = observed.state === 'present';
  if (present && !isOwner(observed.owner, owner)) return { verb: 'refuse', owner: observed.owner };
  const changes = diff(part.desired, present ? observed.fields : {});
  if (part.apply && (!present || changes.length > 0)) return { verb: 'apply', changes };
  return { verb: present && observed.ready ? 'none' : 'wait' };
}

export interface RemovalPlan {
  /** Parts that may still give access, in the order of revoking. */
  readonly revoke: readonly PartName[];
  /** Parts that are or may be there, in the order of removal. */
  readonly remove: readonly PartName[];
}

const revokeOrder: readonly PartName[] = ['access', 'secrets', 'machine'];
const removeOrder: readonly PartName[] = ['machine', 'egress', 'access', 'secrets', 'principal'];

/**
 * What to do about an agent that should be gone. A failed look counts as there; what another owner holds is left alone.
 * `blindly` revokes what looks closed as well, because a look may be older than the access it does not show. Pure.
 */
export function planRemoval(observed: Partial<Record<PartName, Observed>>, owner: Owner, blindly = false): RemovalPlan {
  const isForeign = (name: PartName): boolean => {
    const seen = observed[name];
    return seen?.state === 'present' && !isOwner(seen.owner, owner);
  };
  const ours = (name: PartName): Observed | undefined => {
    const seen = observed[name];
    return !seen || seen.state === 'absent' || isForeign(name) ? undefined : seen;
  };
  return {
    revoke: revokeOrder.filter((name) => {
      if (blindly) return !isForeign(name);
      const seen = ours(name);
      return seen !== undefined && !(seen.state === 'present' && seen.revoked);
    }),
    remove: removeOrder.filter((name) => ours(name) !== undefined),
  };
}
