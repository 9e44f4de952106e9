import { Worker } from 'node:worker_threads';
import type { Log } from '../core/surroundings.ts';

/** After so many documents the log is brought home: some tens of megabytes. */
const enough = 4_000;

export interface Checkpoints {
  /** So many documents were saved. What it answers is to be waited for before anything more is saved. */
  saved(documents: number): Promise<void> | undefined;
  end(): Promise<void>;
}

/**
 * Brings what SQLite's log holds into its file from a thread of its own, so that no event loop waits for the disk. First most of it,
 * while saving goes on; then the little that came meanwhile, while nothing is saved: a log that is home in full begins anew and
 * grows no further (sqlite.org/wal.html, "Avoiding Excessively Large WAL Files").
 */
export function createCheckpoints(file: string, log: Log | undefined): Checkpoints {
  let worker: Worker | undefined;
  let documents = 0;
  let most: 'begun' | 'done' | undefined;
  let turn: PromiseWithResolvers<void> | undefined;

  const settle = (error: string | Error | undefined): void => {
    // The log grows on, and is brought home the next time.
    if (error !== undefined) log?.warn(`cannot bring the log of store ${file} home: ${String(error)}; it is tried again`);
    turn?.resolve();
    turn = undefined;
  };

  function start(): Worker {
    const started = new Worker(new URL('checkpointer.ts', import.meta.url), { workerData: file });
    started.unref();
    started.on('message', settle);
    started.on('error', settle);
    started.on('exit', () => {
      settle(undefined);
      worker = undefined;
    });
    return started;
  }

  function run(): Promise<void> {
    worker ??= start();
    turn = Promise.withResolvers<void>();
    worker.postMessage('');
    return turn.promise;
  }

  return {
    saved(more) {
      documents += more;
      if (most === 'begun' || documents < enough) return undefined;
      if (most === 'done') {
        [most, documents] = [undefined, 0];
        return run();
      }
      most = 'begun';
      void run().then(() => {
        most = 'done';
      });
      return undefined;
    },
    async end() {
      await worker?.terminate();
    },
  };
}
