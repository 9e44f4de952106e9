import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../../functions/providers/infra/machine-files.ts';
import { parts } from './archive/layout.ts';
import { perform, type AsAgent } from './as-agent.ts';
import type { Swap } from './swap.ts';

/** How far a swap has come; on the disk before the step that it names begins, so that each can be begun again. */
type Step = 'leaving' | 'entering' | 'discarding' | 'returning' | 'settling';
const steps: ReadonlySet<string> = new Set<Step>(['leaving', 'entering', 'discarding', 'returning', 'settling']);
const isStep = (text: string): text is Step => steps.has(text);

const [fresh, former] = ['.plane-fresh', '.plane-former'];

/** What lies in a folder, but for what is ours and what a disk of its own begins with. */
const list = `-mindepth 1 -maxdepth 1 ! -name '.plane-*' ! -name lost+found`;
/** Moves all that lies in $1 to $2. What was moved by an earlier try is moved no more. */
const move = `move() { mkdir -p "$2" && find "$1" ${list} -exec mv -f -t "$2" -- {} +; }`;

/**
 * By moving what is in the folders, where systemd mounts each of them for itself and the folder above is root's. Everything is done
 * as the agent; which step it is at is the sidecar's to know.
 */
export function createUnitSwap(folder: string, agent: Pick<AsAgent, 'run'>): Swap {
  const file = join(folder, 'run', 'swap');
  const target = join(folder, 'tmp', 'plane-fresh');

  function step(): Step | undefined {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return isStep(text) ? text : undefined;
  }
  const enter = (next: Step): void => replaceFile(file, next, { mode: 0o600 });
  /** A command of sh for each part, in which $1 is the part's folder. */
  async function each(command: string): Promise<void> {
    for (const part of parts) await perform(agent, ['sh', '-c', `set -e; ${move}; ${command}`, 'sh', join(folder, part)]);
  }
  async function dropFresh(): Promise<void> {
    await each(`rm -rf -- "$1/${fresh}"`);
    await perform(agent, ['rm', '-rf', '--', target]);
  }

  return {
    dropFresh,
    async makeFresh() {
      await dropFresh();
      await perform(agent, ['mkdir', '-m', '700', '--', target]);
      // Each part is made on the disk on which it will lie.
      await each(`mkdir -m 700 "$1/${fresh}"; ln -s "$1/${fresh}" '${target}'/"\${1##*/}"`);
      return target;
    },
    async swapIn() {
      enter('leaving');
      await each(`move "$1" "$1/${former}"`);
      enter('entering');
      await each(`move "$1/${fresh}" "$1"`);
    },
    async swapBack() {
      const at = step();
      if (at === undefined) return;
      if (at !== 'settling') {
        if (at === 'entering') enter('discarding');
        if (at === 'entering' || at === 'discarding') await each(`find "$1" ${list} -exec rm -rf -- {} +`);
        enter('returning');
        await each(`[ ! -d "$1/${former}" ] || move "$1/${former}" "$1"`);
      }
      await each(`rm -rf -- "$1/${former}"`);
      rmSync(file);
    },
    async settle() {
      enter('settling');
      await each(`rm -rf -- "$1/${former}"`);
      rmSync(file);
    },
  };
}
