import { fileURLToPath } from 'node:url';
import { fork } from 'node:child_process';
import { drive, type Load, type Measured } from '../../scripts/scale/load.ts';

/* Callers of the API and agents with their heartbeats, in a process of their own. */

/** Runs a load from a process of its own. */
export async function measureLoad(load: Load): Promise<Measured> {
  const child = fork(fileURLToPath(import.meta.url), [], { execArgv: [] });
  try {
    return await new Promise<Measured>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the callers ended with ${code}`)));
      child.once('message', (measured: Measured) => resolve(measured));
      child.send(load);
    });
  } finally {
    child.removeAllListeners('exit');
    child.kill();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once('message', (load: Load) => {
    drive(load).then(
      (measured) => process.send?.(measured),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
