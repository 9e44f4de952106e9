import { Worker } from 'node:worker_threads';
import type { Row, Saved, WriterTask } from './sqlite-writer.ts';

export interface Writing {
  /** Resolves once all of it is on the disk, or none. One saving at a time. */
  save(rows: readonly Row[]): Promise<Saved>;
  end(): Promise<void>;
}

/** Writes a store's file from a thread of its own, which begins with the first saving: no event loop waits for the disk. */
export function createWriting(task: WriterTask): Writing {
  let worker: Worker | undefined;
  let turn: PromiseWithResolvers<Saved> | undefined;

  function answer(saved: Saved): void {
    worker?.unref();
    turn?.resolve(saved);
    turn = undefined;
  }

  function start(): Worker {
    const started = new Worker(new URL('sqlite-writer.ts', import.meta.url), { workerData: task });
    started.on('message', answer);
    started.on('error', (error) => answer({ failed: undefined, says: String(error) }));
    started.on('exit', () => {
      worker = undefined;
      answer({ failed: undefined, says: 'its thread ended' });
    });
    return started;
  }

  return {
    save(rows) {
      worker ??= start();
      worker.ref();
      turn = Promise.withResolvers<Saved>();
      worker.postMessage(rows);
      return turn.promise;
    },
    async end() {
      await worker?.terminate();
    },
  };
}
