import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PlaneError } from '../../functions/core/errors.ts';
import type { Habitat } from '../../functions/providers/infra/local-processes.ts';
import { parts } from './archive/layout.ts';
import { perform, type AsAgent } from './as-agent.ts';

/** Another workspace and state in place of the living ones, and back. */
export interface Swap {
  /** An empty folder of the agent's, in which a workspace and a state are to be made. */
  makeFresh(): Promise<string>;
  /** Throws away what was being made. */
  dropFresh(): Promise<void>;
  /** Puts what was made in the place of what was. Nothing may run as the agent. */
  swapIn(): Promise<void>;
  /** Puts back what was, if anything was put in its place. Nothing may run as the agent. */
  swapBack(): Promise<void>;
  /** Decides for what was put in place: what was is destroyed. */
  settle(): Promise<void>;
}

/**
 * By renaming whole folders, where the sidecar owns the folder above them. `fresh/` takes what is made; `former/` keeps what was: for
 * as long as it is there, nothing is decided, and a start of the sidecar puts it back.
 */
export function createSwap({ folder, uid }: Habitat, agent: Pick<AsAgent, 'run'>): Swap {
  const [fresh, former, discarded] = [join(folder, 'fresh'), join(folder, 'former'), join(folder, 'discarded')];
  const target = join(fresh, 'parts');

  async function dropFresh(): Promise<void> {
    if (!existsSync(fresh)) return;
    await perform(agent, ['rm', '-rf', '--', target]).catch(() => undefined);
    // What is left is empty but for what the agent closed to itself.
    rmSync(fresh, { recursive: true, force: true });
  }

  return {
    dropFresh,
    async makeFresh() {
      await dropFresh();
      mkdirSync(fresh, { mode: 0o711 });
      chmodSync(fresh, 0o711);
      mkdirSync(target, { mode: 0o700 });
      // Its group has no say: it is there for `rename`, which wants the folder to be the agent's or ours.
      if (uid !== undefined) chownSync(target, uid, uid);
      return target;
    },
    async swapIn() {
      const made = parts.filter((part) => existsSync(join(target, part)));
      for (const part of made) {
        // A link in its place would lead everything that we do there somewhere else.
        if (!lstatSync(join(target, part)).isDirectory())
          throw new PlaneError('invalid', `cannot put ${part} in place: it is no folder; restore another backup`);
      }
      mkdirSync(former, { mode: 0o700 });
      for (const part of made) {
        renameSync(join(folder, part), join(former, part));
        renameSync(join(target, part), join(folder, part));
      }
    },
    async swapBack() {
      if (!existsSync(former)) return;
      rmSync(discarded, { recursive: true, force: true });
      mkdirSync(discarded, { mode: 0o700 });
      for (const part of readdirSync(former)) {
        if (existsSync(join(folder, part))) renameSync(join(folder, part), join(discarded, part));
        renameSync(join(former, part), join(folder, part));
      }
      rmSync(former, { recursive: true });
      rmSync(discarded, { recursive: true, force: true });
    },
    async settle() {
      rmSync(discarded, { recursive: true, force: true });
      // The rename decides; the rest may end at any time.
      renameSync(former, discarded);
      rmSync(discarded, { recursive: true, force: true });
    },
  };
}
