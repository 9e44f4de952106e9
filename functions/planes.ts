import type { Plane } from '../shared/plane.ts';
import type { ChangeDeps } from './core/agents.ts';
import { append, planeChain, readHead } from './core/audit.ts';
import { PlaneError } from './core/errors.ts';
import type { Actor, PlaneRecord } from './core/records.ts';
import { makeDue } from './core/schedule.ts';
import type { Reads, Transaction } from './core/store.ts';
import { canonical, type Json } from './core/surroundings.ts';
import { walkKey } from './directory/walk.ts';

/** The planes of this deployment as last read; whoever decides by them reads them afresh first. */
export interface Planes {
  /** Every plane that is there, those that are being removed too. */
  all(): readonly Plane[];
  /** Those that claim users. */
  active(): readonly Plane[];
  /** Those that were removed too. */
  known(): readonly Plane[];
  /** Also one that was removed, for what is told about it. */
  find(planeId: string): Plane | undefined;
  /** As it is stored now. */
  record(planeId: string): Promise<PlaneRecord | undefined>;
  /** Reads all of them anew, unless that began less than so many milliseconds ago. */
  refresh(withinMs?: number): Promise<void>;
}

/** More planes than any deployment has; a listing of our own never goes on for ever. */
const mostPlanes = 500;

/** The plane that a deployment is started with: each `file` that is new is taken up; the `sample` only where there is none. */
export interface PlaneSeed {
  readonly plane: Plane;
  readonly from: 'file' | 'sample';
}

/** Writes what a process was started with, once for each file however many processes there are. */
async function plant({ plane, from }: PlaneSeed, deps: ChangeDeps): Promise<void> {
  const fileDigest = deps.hashing.sha256(canonical(toJson(plane)));
  const actor: Actor = { kind: 'plane', id: from === 'file' ? 'planes.yaml' : 'start' };
  await changePlane(
    plane.metadata.name,
    actor,
    (current) => {
      const fresh: PlaneDraft = { state: 'active', managedBy: 'api', definition: plane };
      if (from === 'file') return current?.fileDigest === fileDigest ? undefined : { ...fresh, managedBy: 'file', fileDigest };
      if (!current) return fresh;
      // Whoever starts a plane without its file hands it over.
      const { fileDigest: _digest, ...draft } = toPlaneDraft(current);
      return { ...draft, managedBy: 'api' };
    },
    deps,
  );
}

export interface PlanesDeps extends ChangeDeps {
  /** Planted before the first reading. */
  readonly seed?: PlaneSeed;
  /** Told of a seed that cannot replace what is in force, which stays; without it that is thrown. */
  readonly refused?: (error: PlaneError) => void;
}

export function openPlanes(deps: PlanesDeps): Planes {
  const { store, clock, seed } = deps;
  let planted: Promise<void> | undefined;
  let records: readonly PlaneRecord[] = [];
  let readAt = -Infinity;
  let reading: Promise<void> | undefined;

  async function read(): Promise<void> {
    planted ??= seed ? plant(seed, deps) : Promise.resolve();
    await planted.catch((error: unknown) => {
      if (error instanceof PlaneError && error.code === 'conflict' && deps.refused) return deps.refused(error);
      planted = undefined;
      throw error;
    });
    const beganAt = clock.now();
    const found = await store.query('planes', 'byId', { limit: mostPlanes });
    // Of two reads at once the later to begin counts.
    if (beganAt < readAt) return;
    readAt = beganAt;
    records = found;
  }
  const definitions = (states: readonly PlaneRecord['state'][]): readonly Plane[] =>
    records.filter(({ state }) => states.includes(state)).map(({ definition }) => definition);

  return {
    all: () => definitions(['active', 'removing']),
    active: () => definitions(['active']),
    known: () => records.map(({ definition }) => definition),
    find: (planeId) => records.find((record) => record.planeId === planeId)?.definition,
    record: (planeId) => store.get('planes', planeId),
    async refresh(withinMs = 0) {
      if (withinMs === 0) return read();
      if (clock.now() - readAt < withinMs) return;
      reading ??= read().finally(() => (reading = undefined));
      await reading;
    },
  };
}

/** Planes that never change, for a process that has no store of them. */
export const fixedPlanes = (planes: readonly Plane[]): Planes => ({
  all: () => planes,
  active: () => planes,
  known: () => planes,
  find: (planeId) => planes.find(({ metadata }) => metadata.name === planeId),
  record: async () => undefined,
  refresh: async () => undefined,
});

/** What a caller decides about a plane; revision and who did it follow. */
export type PlaneDraft = Omit<PlaneRecord, 'planeId' | 'revision' | 'updatedAt' | 'updatedBy'>;

export const toPlaneDraft = ({ planeId: _p, revision: _r, updatedAt: _a, updatedBy: _b, ...draft }: PlaneRecord): PlaneDraft => draft;

export interface DefinitionChange {
  /** As in `spec.policies` or `spec.identity.adminEmail`; lists are told whole. */
  readonly path: string;
  readonly from: Json;
  readonly to: Json;
}

const isBranch = (value: Json | undefined): value is { readonly [key: string]: Json | undefined } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function* compare(path: string, from: Json | undefined, to: Json | undefined): Generator<DefinitionChange> {
  if (isBranch(from) && isBranch(to)) {
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)])) yield* compare(`${path}.${key}`, from[key], to[key]);
  } else if (canonical(from) !== canonical(to)) yield { path: path.slice(1), from: from ?? null, to: to ?? null };
}

const toJson = (value: object): Json => JSON.parse(JSON.stringify(value)) as Json;

/** What differs between two definitions, path by path. */
export const compareDefinitions = (from: Plane, to: Plane): readonly DefinitionChange[] => [...compare('', toJson(from), toJson(to))];

/** How much of one change an audit row tells. */
const [mostPaths, longestValue] = [50, 2_000] as const;
const told = (value: Json): Json => {
  const text = canonical(value);
  return text.length <= longestValue ? value : `${text.slice(0, longestValue)}…`;
};

function toDetail(before: PlaneRecord | undefined, after: PlaneRecord): Json {
  const { revision, state, managedBy } = after;
  const changes = compare('', before ? toJson(toPlaneDraft(before)) : null, toJson(toPlaneDraft(after)));
  const all = [...changes].filter(({ path }) => path !== 'fileDigest');
  const shown = all.slice(0, mostPaths).map(({ path, from, to }): Json => ({ path, from: told(from), to: told(to) }));
  return { revision, state, managedBy, changes: shown, ...(all.length > shown.length ? { unshown: all.length - shown.length } : {}) };
}

/** What a living plane stands on cannot be another: its agents would be left where nobody looks for them. */
function refuseMove(before: PlaneRecord | undefined, { state, definition }: PlaneDraft, planeId: string): void {
  const refuse = (fact: string, remedy: string): never => {
    throw new PlaneError('conflict', `cannot change plane ${planeId}: ${fact}; ${remedy}`);
  };
  const { name } = definition.metadata;
  if (name !== planeId) refuse(`its definition is of ${name}`, 'a plane keeps its name; create another one');
  if (!before || before.state === 'removed' || state !== 'active') return;
  for (const kind of ['identity', 'infrastructure', 'secrets', 'networking'] as const) {
    const [from, to] = [before.definition.spec[kind].provider, definition.spec[kind].provider];
    if (from !== to) refuse(`spec.${kind}.provider would go from ${from} to ${to}`, 'create another plane and let people move there');
  }
}

/** May run more than once and read more of the transaction; `undefined`, or what is there already, changes nothing. */
export type DecidePlane = (current: PlaneRecord | undefined, tx: Reads) => Promise<PlaneDraft | undefined> | PlaneDraft | undefined;

/**
 * The one way in which a plane changes: record, audit row and the walk that looks at everybody anew commit together. `also` writes
 * more in the same transaction, after all reads. Answers the plane as it is then, and `undefined` where there is none.
 */
export async function changePlane(
  planeId: string,
  actor: Actor,
  decide: DecidePlane,
  { store, clock, hashing, wake }: ChangeDeps,
  also: (tx: Pick<Transaction, 'set' | 'delete'>, record: PlaneRecord) => void = () => undefined,
): Promise<PlaneRecord | undefined> {
  const { record, changed } = await store.transact(async (tx) => {
    const current = await tx.get('planes', planeId);
    const draft = await decide(current, tx);
    if (!draft || (current && canonical(toJson(draft)) === canonical(toJson(toPlaneDraft(current)))))
      return { record: current, changed: false };
    refuseMove(current, draft, planeId);
    const [row, head] = [await tx.get('schedule', walkKey), await readHead(tx, planeChain(planeId))];
    const now = clock.now();
    const next = { ...draft, planeId, revision: (current?.revision ?? 0) + 1, updatedAt: now, updatedBy: actor.id };
    tx.set('planes', planeId, next);
    append(tx, head, [{ at: now, actor, action: 'plane.change', target: planeId, detail: toDetail(current, next) }], hashing);
    makeDue(tx, walkKey, row, now);
    also(tx, next);
    return { record: next, changed: true };
  });
  if (changed) wake.wake(walkKey);
  return record;
}

/** Runs an errand for each plane that is there, one after the other; one that fails stops no other. Answers when the next is due. */
export async function forEachPlane(planes: Planes, usualMs: number, run: (plane: Plane) => Promise<number>): Promise<number> {
  await planes.refresh();
  const failures: unknown[] = [];
  let delayMs = usualMs;
  for (const plane of planes.all()) {
    try {
      delayMs = Math.min(delayMs, await run(plane));
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return delayMs;
}
