import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/* The thread behind checkpoints.ts: brings home what a store's log holds whenever it is told to, and answers with an error or nothing. */

const database = new DatabaseSync(String(workerData), { enableForeignKeyConstraints: false, timeout: 1_000 });

parentPort?.on('message', () => {
  try {
    database.prepare('PRAGMA wal_checkpoint(PASSIVE)').get();
    parentPort?.postMessage(undefined);
  } catch (error) {
    parentPort?.postMessage(String(error));
  }
});
