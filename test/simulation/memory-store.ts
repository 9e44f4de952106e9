import { PlaneError } from '../../functions/core/errors.ts';
import { indexes, type Collection, type Documents, type Scalar, type Store } from '../../functions/core/store.ts';
import { createTransact, type Write } from '../../functions/store/optimistic.ts';
import { parseQuery } from '../../functions/store/query.ts';
import { createWatches, isSame } from '../../functions/store/watches.ts';
import { createSortedRows, type SortedRows } from './sorted-rows.ts';

/** Any document: what is stored is frozen all the way down, so that it can be handed out and shared without a copy. */
type Held = Readonly<Record<string, unknown>>;

interface Index {
  readonly fields: readonly string[];
  /** By the values of all fields but the last. */
  readonly groups: Map<string, SortedRows>;
}

interface Table {
  readonly rows: Map<string, Held>;
  readonly indexes: ReadonlyMap<string, Index>;
}

/** A frozen copy without undefined members. What is frozen already is shared, and so must be frozen all the way down. */
function freeze<T>(value: T): T;
function freeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (Array.isArray(value)) return Object.freeze(value.map((member: unknown) => (member === undefined ? null : freeze(member))));
  const copy: Record<string, unknown> = {};
  for (const key in value) {
    const member = (value as Held)[key];
    if (member !== undefined) copy[key] = freeze(member);
  }
  return Object.freeze(copy);
}

const groupKey = (values: readonly unknown[]): string => (values.length === 0 ? '' : JSON.stringify(values));
const isScalar = (value: unknown): value is Scalar => typeof value === 'string' || typeof value === 'number';

/** Where a document stands in an index; nowhere when it lacks one of the fields. */
function place({ fields }: Index, document: Held | undefined): { group: string; value: Scalar } | undefined {
  const values = fields.map((field) => document?.[field]);
  const value = values.pop();
  return isScalar(value) && values.every(isScalar) ? { group: groupKey(values), value } : undefined;
}

function reindex(index: Index, id: string, before: Held | undefined, after: Held | undefined): void {
  if (before && after && index.fields.every((field) => before[field] === after[field])) return;
  const from = place(index, before);
  const to = place(index, after);
  if (from) index.groups.get(from.group)?.remove(from.value, id);
  if (!to) return;
  const group = index.groups.get(to.group) ?? createSortedRows();
  group.add(to.value, id);
  index.groups.set(to.group, group);
}

/** A look into a memory store past its promises, for invariants that are checked after every step. */
export interface Glass {
  peek<C extends Collection>(collection: C, id: string): Documents[C] | undefined;
  /** In the order in which the documents came to exist. */
  entries<C extends Collection>(collection: C): Iterable<readonly [string, Documents[C]]>;
}

/** A store in memory with the transactions of the others. It waits on nothing but microtasks, so a run can be repeated exactly. */
export function createMemoryStore(): Store & Glass {
  const tables = new Map<Collection, Table>();
  for (const [collection, declared] of Object.entries(indexes) as [Collection, Readonly<Record<string, readonly string[]>>][]) {
    const named = Object.entries(declared).map(([name, fields]) => [name, { fields, groups: new Map() }] as const);
    tables.set(collection, { rows: new Map(), indexes: new Map(named) });
  }
  const table = (collection: Collection): Table => {
    const found = tables.get(collection);
    if (!found) throw new Error(`there is no collection ${collection}`);
    return found;
  };
  const show = <C extends Collection>(held: Held): Documents[C] => held as unknown as Documents[C];

  function write({ collection, id, held }: Write<Held>): void {
    const { rows, indexes: declared } = table(collection);
    const before = rows.get(id);
    if (held) rows.set(id, held);
    else rows.delete(id);
    for (const index of declared.values()) reindex(index, id, before, held);
  }

  const watches = createWatches();

  const peek = <C extends Collection>(collection: C, id: string): Documents[C] | undefined => {
    const held = table(collection).rows.get(id);
    return held && show<C>(held);
  };

  return {
    peek,
    entries: <C extends Collection>(collection: C) => table(collection).rows as unknown as Map<string, Documents[C]>,
    async get(collection, id) {
      return peek(collection, id);
    },
    async query<C extends Collection>(collection: C, name: string, query: Parameters<Store['query']>[2]) {
      parseQuery(collection, name, query);
      const { rows, indexes: declared } = table(collection);
      const ids =
        declared
          .get(name)
          ?.groups.get(groupKey(query.equals ?? []))
          ?.slice(query) ?? [];
      return ids.map((id) => show<C>(rows.get(id) ?? {}));
    },
    transact: createTransact<Held>({
      read: (collection, id) => table(collection).rows.get(id),
      hold: (document) => freeze(document) as unknown as Held,
      show,
      apply(writes) {
        for (const each of writes) write(each);
        watches.tell(writes);
        return true;
      },
    }),
    changed: (collection, id, known, signal) => watches.until(collection, id, () => !isSame(peek(collection, id), known), signal),
    hear: (told) => watches.hear(told),
    async close() {
      watches.end(new PlaneError('unavailable', 'cannot use the memory store: it is closed'));
    },
  };
}
