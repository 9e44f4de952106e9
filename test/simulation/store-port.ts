import { PlaneError } from '../../functions/core/errors.ts';
import type { Collection, Documents, Store, Transaction } from '../../functions/core/store.ts';
import type { Glass } from './memory-store.ts';
import { alive, countEffect, die, never, resume, type Session, type Stage } from './session.ts';

export type Memory = Store & Glass;

export type Write =
  | { readonly [C in Collection]: { readonly collection: C; readonly id: string; readonly document: Documents[C] } }[Collection]
  | { readonly collection: Collection; readonly id: string; readonly document?: undefined };

export const commitAll = (memory: Memory, writes: readonly Write[]): Promise<void> =>
  memory.transact(async (tx) => {
    for (const { collection, id, document } of writes) {
      if (document === undefined) tx.delete(collection, id);
      else tx.set(collection, id, document);
    }
  });

export interface CommitWatch {
  /** Sees every commit just before it is made. */
  onCommit(session: Session, writes: readonly Write[]): void;
}

/** The store as one run of one process sees it: calls take time, get lost, and end with the process. */
export function createStorePort(session: Session, memory: Memory, watch: CommitWatch, stage: Stage): Store {
  const { clock, random, tally } = stage;

  function refuse(message: string): PlaneError {
    session.storeRefused = true;
    tally.faults += 1;
    return new PlaneError('unavailable', `${message}; it is tried again`);
  }

  function latency(): number {
    if (random.chance(stage.faults.slow)) return random.between(100, 3_000);
    return random.between(0, 5);
  }

  function read<T>(look: () => T): Promise<T> {
    if (!alive(session)) return never();
    // Half of all reads come from nearby: they answer before anything else can happen.
    if (session.worker.stalledUntil <= clock.now() && random.chance(0.5)) return Promise.resolve(look());
    return new Promise((resolve, reject) => {
      resume(stage, session, clock.now() + latency(), () => {
        if (random.chance(stage.faults.store)) reject(refuse('cannot read the store: the simulation refuses'));
        else resolve(look());
      });
    });
  }

  async function attempt<T>(work: (tx: Transaction) => Promise<T>): Promise<{ result: T; writes: readonly Write[] }> {
    const writes: Write[] = [];
    const tx: Transaction = {
      get: async (collection, id) => {
        if (writes.length > 0) throw new Error(`cannot read ${collection}/${id}: this transaction has written already`);
        return memory.peek(collection, id);
      },
      set: <C extends Collection>(collection: C, id: string, document: Documents[C]) =>
        void writes.push({ collection, id, document } as unknown as Write),
      delete: (collection, id) => void writes.push({ collection, id }),
    };
    const result = await work(tx);
    return { result, writes };
  }

  async function commit<T>(
    work: (tx: Transaction) => Promise<T>,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ): Promise<void> {
    const answer = (go: () => void): void => resume(stage, session, clock.now() + latency(), go);
    try {
      if (random.chance(stage.faults.store)) throw refuse('cannot commit: the simulation refuses');
      if (random.chance(0.02)) await attempt(work);
      const { result, writes } = await attempt(work);
      if (!alive(session)) return;
      if (writes.length > 0) {
        tally.commits += 1;
        const side = countEffect(stage, session, `commit ${writes.map(({ collection }) => collection).join('+')}`);
        if (side === 'before') return die(stage, session.worker, side);
        watch.onCommit(session, writes);
        await commitAll(memory, writes);
        if (side === 'after') return die(stage, session.worker, side);
      }
      if (random.chance(stage.faults.store)) throw refuse('cannot tell whether the commit was made: its answer was lost');
      answer(() => resolve(result));
    } catch (error) {
      answer(() => reject(error));
    }
  }

  return {
    get: (collection, id) => read(() => memory.peek(collection, id)),
    query: async (collection, index, query) => {
      await read(() => undefined);
      return memory.query(collection, index, query);
    },
    transact: (work) => {
      if (!alive(session)) return never();
      return new Promise((resolve, reject) => {
        resume(stage, session, clock.now() + latency(), () => void commit(work, resolve, reject));
      });
    },
    changed: (collection, id, known, signal) => (alive(session) ? memory.changed(collection, id, known, signal) : never()),
    close: () => Promise.resolve(),
  };
}
