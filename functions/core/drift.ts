import type { Condition } from '../../shared/agent.ts';
import type { Plane } from '../../shared/plane.ts';
import type { Entry } from './audit.ts';
import { diff, isOwner, type Change, type Observed, type Part } from './part.ts';
import type { AgentRecord, DriftRecord, PartName, StatusRecord } from './records.ts';
import type { Store, Transaction } from './store.ts';
import { canonical, type Clock, type Hashing, type Json } from './surroundings.ts';

/** What a plane says is done about a field that was found otherwise. */
export type DriftPolicy = Plane['spec']['drift'];
type DriftMode = DriftPolicy['default'];
type DriftField = DriftRecord['fields'][number];

/** Heals everything: what is done where nothing else is said, and once where an admin asks for it. */
const healAll: DriftPolicy = { default: 'heal', fields: {} };

const modeOf = ({ default: usual, fields }: DriftPolicy, part: string, field: string): DriftMode =>
  fields[`${part}.${field}`] ?? fields[part] ?? usual;

type Seen = Readonly<Partial<Record<PartName, Observed>>>;

/** Something that stands, and is compared; an errand leaves nothing behind, and nobody applies a runtime. */
const stands = ({ errand, apply }: Part): boolean => errand !== true && apply !== undefined;

const digestOf = ({ desired }: Part, { sha256 }: Hashing): string => sha256(canonical(desired)).slice(0, 16);

/** What differs on one part, apart from fields that the plane itself moves. A part that is gone differs as a whole. */
function differences(part: Part, observed: Observed, agent: AgentRecord): readonly Change[] {
  if (observed.state === 'unknown') return [];
  if (observed.state === 'absent') return [{ field: 'present', from: false, to: true }];
  if (!isOwner(observed.owner, agent)) return [];
  return diff(part.desired, observed.fields).filter(({ field }) => !part.moves?.includes(field));
}

/**
 * Drift is what differs on a part that was as it should be, and should still be the same: a part that is on its way to what was
 * wished for has not drifted.
 */
export function driftOf(
  part: Part,
  observed: Observed | undefined,
  agent: AgentRecord,
  settled: StatusRecord['settled'],
  hashing: Hashing,
): readonly Change[] {
  if (!observed || !stands(part) || settled?.[part.name] !== digestOf(part, hashing)) return [];
  return differences(part, observed, agent);
}

/** Whether a part is left as it was found. It is put right as a whole where any field of it is to be healed. */
export const isLeft = (part: Part, drift: readonly Change[], policy: DriftPolicy): boolean =>
  drift.length > 0 && drift.every(({ field }) => modeOf(policy, part.name, field) !== 'heal');

/** Which parts are, or were and are again to be, as they should: by the digest of what they should be. */
function settle(
  parts: readonly Part[],
  seen: Seen,
  agent: AgentRecord,
  before: StatusRecord['settled'],
  hashing: Hashing,
): NonNullable<StatusRecord['settled']> {
  return Object.fromEntries(
    parts.filter(stands).flatMap((part) => {
      const [digest, observed] = [digestOf(part, hashing), seen[part.name]];
      const fits = observed?.state === 'present' && isOwner(observed.owner, agent) && differences(part, observed, agent).length === 0;
      return fits || before?.[part.name] === digest ? [[part.name, digest]] : [];
    }),
  );
}

/** What stands otherwise now, field by field; a failed look keeps what was known before it. */
function toDriftFields(
  parts: readonly Part[],
  seen: Seen,
  agent: AgentRecord,
  {
    settled,
    known,
    policy,
    now,
    hashing,
  }: {
    readonly settled: StatusRecord['settled'];
    readonly known: readonly DriftField[];
    readonly policy: DriftPolicy;
    readonly now: number;
    readonly hashing: Hashing;
  },
): readonly DriftField[] {
  return parts.flatMap((part): readonly DriftField[] => {
    const observed = seen[part.name];
    if (observed?.state === 'unknown') return known.filter((field) => field.part === part.name);
    return driftOf(part, observed, agent, settled, hashing).map(({ field, from, to }) => {
      const since = known.find((former) => former.part === part.name && former.field === field)?.since ?? now;
      return { part: part.name, field, wanted: to, found: from ?? null, mode: modeOf(policy, part.name, field), since };
    });
  });
}

const show = (value: Json): string => (typeof value === 'string' ? value : canonical(value));

/** What an admin is told of; what is to be ignored is only listed. */
function toConditions(fields: readonly DriftField[]): Condition[] {
  const told = fields.filter(({ mode }) => mode === 'alert');
  if (told.length === 0) return [];
  const facts = told.map(({ part, field, wanted, found }) =>
    field === 'present' ? `its ${part} is gone` : `${part}.${field} is ${show(found)} and should be ${show(wanted)}`,
  );
  return [{ type: 'Drifted', message: `${facts.join('; ')}; planes drift heal puts it right` }];
}

export interface DriftDeps {
  readonly store: Pick<Store, 'get'>;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly holder: string;
  readonly partsOf: (agent: AgentRecord) => readonly Part[];
  readonly driftPolicyOf?: (agent: AgentRecord) => DriftPolicy;
}

/**
 * What one pass does about drift: after its first look it says what is left as it is, and at its end what to record. The store is
 * asked only about agents of whom something is known to have drifted.
 */
export async function createDriftWatch(agent: AgentRecord, before: StatusRecord, first: Seen, deps: DriftDeps) {
  const { store, clock, hashing, holder } = deps;
  const { agentId, planeId, ownerEmail, ouPath } = agent;
  const { settled } = before;
  const parts = deps.partsOf(agent);
  const now = clock.now();
  const stated = deps.driftPolicyOf?.(agent) ?? healAll;
  const known = before.drifted === undefined ? [] : ((await store.get('drifts', agentId))?.fields ?? []);
  const asked = before.drifted !== undefined && (await store.get('heals', agentId)) !== undefined;
  const common = { settled, policy: stated, now, hashing };
  const found = toDriftFields(parts, first, agent, { ...common, known });

  return {
    policy: asked ? healAll : stated,
    conclude(seen: Seen, replaced: boolean) {
      const fields = toDriftFields(parts, seen, agent, { ...common, known: found });
      const { machine, ...others } = settle(parts, seen, agent, settled, hashing);
      const next = replaced || machine === undefined ? others : { ...others, machine };
      const has = (list: readonly DriftField[], { part, field }: DriftField): boolean =>
        list.some((other) => other.part === part && other.field === field);
      const toDetail = (list: readonly DriftField[]): Json => list.map(({ since: _since, ...field }) => field);
      const fresh = found.filter((field) => !known.some((former) => canonical(toDetail([former])) === canonical(toDetail([field]))));
      const gone = [...known, ...found.filter((field) => !has(known, field))].filter((field) => !has(fields, field));
      const row = (action: string, list: readonly DriftField[]): Entry[] =>
        list.length === 0
          ? []
          : [{ at: clock.now(), actor: { kind: 'plane', id: holder }, action, target: agentId, detail: { fields: toDetail(list) } }];
      return {
        status: { settled: next, ...(fields.length > 0 ? { drifted: fields.length } : {}) },
        conditions: toConditions(fields),
        entries: [...row('drift.found', fresh), ...row('drift.gone', gone)],
        also: (tx: Transaction): void => {
          if (fields.length > 0) return tx.set('drifts', agentId, { agentId, planeId, ownerEmail, ouPath, fields });
          if (known.length === 0 && !asked) return;
          tx.delete('drifts', agentId);
          tx.delete('heals', agentId);
        },
      };
    },
  };
}
