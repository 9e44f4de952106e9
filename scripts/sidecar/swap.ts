import { spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PlaneError } from '../../functions/core/errors.ts';
import type { Habitat } from '../../functions/providers/infra/local-processes.ts';
import { parts } from './archive/layout.ts';
import { toCommand } from './habitat.ts';

/*
 * Another workspace and state in place of the living ones, and back. `fresh/` takes what is made; `former/` keeps what was: for as
 * long as it is there, nothing is decided, and a start of the sidecar puts it back.
 */

const freshOf = (folder: string): string => join(folder, 'fresh');
const formerOf = (folder: string): string => join(folder, 'former');
const discardedOf = (folder: string): string => join(folder, 'discarded');

/** Runs a program as the agent, so that no link of the agent's leads us anywhere. */
export async function runAsAgent({ uid }: Habitat, command: readonly string[], signal?: AbortSignal): Promise<void> {
  const [program = '', ...args] = toCommand(uid, command);
  const child = spawn(program, args, { cwd: '/', env: { PATH: '/usr/bin:/bin' }, stdio: 'ignore', ...(signal ? { signal } : {}) });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new PlaneError('internal', `cannot run ${command[0]} as the agent: it ends with ${code}; look at the disk`);
}

/** Throws away what was being made. */
export async function dropFresh(habitat: Habitat): Promise<void> {
  const fresh = freshOf(habitat.folder);
  if (!existsSync(fresh)) return;
  await runAsAgent(habitat, ['rm', '-rf', '--', join(fresh, 'parts')]).catch(() => undefined);
  // What is left is empty but for what the agent closed to itself.
  rmSync(fresh, { recursive: true, force: true });
}

/** An empty folder of the agent's, in which a workspace and a state are to be made. */
export async function makeFresh(habitat: Habitat): Promise<string> {
  await dropFresh(habitat);
  const fresh = freshOf(habitat.folder);
  const target = join(fresh, 'parts');
  mkdirSync(fresh, { mode: 0o711 });
  chmodSync(fresh, 0o711);
  mkdirSync(target, { mode: 0o700 });
  // Its group has no say: it is there for `rename`, which wants the folder to be the agent's or ours.
  if (habitat.uid !== undefined) chownSync(target, habitat.uid, habitat.uid);
  return target;
}

/** Puts what was made in the place of what was. Nothing may run as the agent. */
export function swapIn({ folder }: Habitat): void {
  const target = join(freshOf(folder), 'parts');
  const made = parts.filter((part) => existsSync(join(target, part)));
  for (const part of made) {
    // A link in its place would lead everything that we do there somewhere else.
    if (!lstatSync(join(target, part)).isDirectory())
      throw new PlaneError('invalid', `cannot put ${part} in place: it is no folder; restore another backup`);
  }
  mkdirSync(formerOf(folder), { mode: 0o700 });
  for (const part of made) {
    renameSync(join(folder, part), join(formerOf(folder), part));
    renameSync(join(target, part), join(folder, part));
  }
}

/** Puts back what was, if anything was put in its place. Nothing may run as the agent. */
export function swapBack({ folder }: Habitat): void {
  const former = formerOf(folder);
  if (!existsSync(former)) return;
  rmSync(discardedOf(folder), { recursive: true, force: true });
  mkdirSync(discardedOf(folder), { mode: 0o700 });
  for (const part of readdirSync(former)) {
    if (existsSync(join(folder, part))) renameSync(join(folder, part), join(discardedOf(folder), part));
    renameSync(join(former, part), join(folder, part));
  }
  rmSync(former, { recursive: true });
  rmSync(discardedOf(folder), { recursive: true, force: true });
}

/** Decides for what was put in place: what was is destroyed. */
export function settle({ folder }: Habitat): void {
  rmSync(discardedOf(folder), { recursive: true, force: true });
  // The rename decides; the rest may end at any time.
  renameSync(formerOf(folder), discardedOf(folder));
  rmSync(discardedOf(folder), { recursive: true, force: true });
}
