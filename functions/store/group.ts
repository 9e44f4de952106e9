import type { Collection } from '../core/store.ts';
import type { Medium, Write } from './optimistic.ts';

/** What the saved documents can do. */
export interface Disk<Held> {
  read(collection: Collection, id: string): Held | undefined;
  /** Saves all or nothing. Answers with a write that can never be saved, and throws where the disk is at fault. */
  save(writes: readonly Write<Held>[]): { readonly write: Write<Held>; readonly error: Error } | undefined;
  /** Resolves once all that was saved before is durable. */
  sync(): Promise<void>;
  /** What is to be waited for before the next saving. */
  settle?(): Promise<void> | undefined;
}

export interface Group<Held> extends Pick<Medium<Held>, 'read' | 'apply'> {
  /** Saves what is gathered now; resolves once everything is durable. */
  flush(): Promise<void>;
}

interface Member extends PromiseWithResolvers<boolean> {
  readonly writes: boolean;
}

/**
 * Gathers the transactions that become ready in one turn of the event loop, or while the disk is busy with those before, shows
 * their writes to the next ones at once, and saves them in one step. Nobody waits for the disk but them.
 */
export function createGroup<Held>(disk: Disk<Held>): Group<Held> {
  let gathered = new Map<string, { readonly write: Write<Held>; readonly member: Member }>();
  let members: Member[] = [];
  let busy: Promise<void> | undefined;

  async function save(): Promise<void> {
    const [writes, waiting] = [[...gathered.values()], members];
    gathered = new Map();
    members = [];
    try {
      const refused = writes.length > 0 ? disk.save(writes.map(({ write }) => write)) : undefined;
      if (!refused) await disk.sync();
      const blamed = refused && writes.find(({ write }) => write === refused.write)?.member;
      blamed?.reject(refused?.error);
      // The others did nothing wrong: they run again.
      for (const member of waiting) member.resolve(!refused);
    } catch (error) {
      for (const member of waiting) {
        if (member.writes) member.reject(error);
        else member.resolve(false);
      }
    }
  }

  async function saveAll(): Promise<void> {
    while (members.length > 0) {
      await save();
      await disk.settle?.();
    }
    busy = undefined;
  }

  const flush = (): Promise<void> => (busy ??= saveAll());

  const key = (collection: Collection, id: string): string => `${collection}/${id}`;
  return {
    flush,
    read(collection, id) {
      const found = gathered.get(key(collection, id));
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
