import type { Collection } from '../core/store.ts';
import type { Medium, Write } from './optimistic.ts';

/** What the saved documents can do. */
export interface Disk<Held> {
  read(collection: Collection, id: string): Held | undefined;
  /**
   * Saves all or nothing; resolves once that is durable. Answers with a write that can never be saved, and throws where the disk is
   * at fault.
   */
  save(writes: readonly Write<Held>[]): Promise<{ readonly write: Write<Held>; readonly error: Error } | undefined>;
}

export interface Group<Held> extends Pick<Medium<Held>, 'read' | 'apply'> {
  /** Saves what is gathered now; resolves once everything is durable. */
  flush(): Promise<void>;
}

interface Member extends PromiseWithResolvers<boolean> {
  readonly writes: boolean;
}

type Gathered<Held> = Map<string, { readonly write: Write<Held>; readonly member: Member }>;

/**
 * Gathers the transactions that become ready in one turn of the event loop, or while the disk is busy with those before, shows
 * their writes to the next ones at once, and saves them in one step. Nobody waits for the disk but them.
 */
export function createGroup<Held>(disk: Disk<Held>): Group<Held> {
  let gathered: Gathered<Held> = new Map();
  let saving: Gathered<Held> = new Map();
  let members: Member[] = [];
  let busy: Promise<void> | undefined;

  /** Whoever built on what was shown and is not so runs again. */
  function dropGathered(): void {
    const built = members;
    gathered = new Map();
    members = [];
    for (const member of built) member.resolve(false);
  }

  async function save(): Promise<void> {
    const waiting = members;
    saving = gathered;
    gathered = new Map();
    members = [];
    const writes = [...saving.values()];
    try {
      const refused = writes.length > 0 ? await disk.save(writes.map(({ write }) => write)) : undefined;
      saving = new Map();
      if (refused) dropGathered();
      const blamed = refused && writes.find(({ write }) => write === refused.write)?.member;
      blamed?.reject(refused?.error);
      // The others did nothing wrong: they run again.
      for (const member of waiting) member.resolve(!refused);
    } catch (error) {
      saving = new Map();
      dropGathered();
      for (const member of waiting) {
        if (member.writes) member.reject(error);
        else member.resolve(false);
      }
    }
  }

  async function saveAll(): Promise<void> {
    while (members.length > 0) await save();
    busy = undefined;
  }

  const flush = (): Promise<void> => (busy ??= saveAll());

  const key = (collection: Collection, id: string): string => `${collection}/${id}`;
  return {
    flush,
    read(collection, id) {
      const known = key(collection, id);
      const found = gathered.get(known) ?? saving.get(known);
      return found ? found.write.held : disk.read(collection, id);
    },
    apply(writes) {
      if (writes.length === 0 && members.length === 0 && !busy) return true;
      if (members.length === 0 && !busy) setImmediate(() => void flush());
      const member = { ...Promise.withResolvers<boolean>(), writes: writes.length > 0 };
      members.push(member);
      for (const write of writes) gathered.set(key(write.collection, write.id), { write, member });
      return member.promise;
    },
  };
}
