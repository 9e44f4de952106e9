import { createHash, randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { PlaneError } from '../../core/errors.ts';
import type { Owner, Principal } from '../../core/providers.ts';
import { takeLock, type HostLock } from './host-lock.ts';
import { agentUids, runningUids } from './local-processes.ts';
import { codeOf, isMissing } from './system-error.ts';

export interface LocalPrincipal extends Principal {
  /** Absent where agents share the plane's own user. */
  readonly uid?: number;
}

export interface Principals {
  find(agentId: string): LocalPrincipal | undefined;
  list(): LocalPrincipal[];
  ensure(owner: Owner, signal: AbortSignal): Promise<void>;
  remove(owner: Owner, signal: AbortSignal): Promise<void>;
}

const claimSchema = z.object({ planeId: z.string(), agentId: z.string(), machinesDir: z.string() });
type Claim = z.infer<typeof claimSchema>;

function readClaims<T>(dir: string, toEntry: (name: string, claim: Claim) => T): T[] {
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  const found: T[] = [];
  for (const name of names.filter((each) => /^[a-z0-9]+\.json$/.test(each))) {
    try {
      found.push(toEntry(name.slice(0, -'.json'.length), claimSchema.parse(JSON.parse(readFileSync(join(dir, name), 'utf8')))));
    } catch (error) {
      if (!isMissing(error))
        throw new PlaneError('internal', `cannot read claim ${join(dir, name)}: it is broken; remove the file`, { cause: error });
    }
  }
  return found;
}

/** Writes a file whole or not at all; answers false when it is there already. */
function writeNew(path: string, text: string): boolean {
  const draft = `${path}.${randomBytes(6).toString('hex')}.draft`;
  writeFileSync(draft, text, { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function refuseOther(verb: string, found: Owner | undefined, owner: Owner): void {
  if (!found || found.planeId === owner.planeId) return;
  const fact = `it belongs to plane ${found.planeId}`;
  throw new PlaneError('conflict', `cannot ${verb} principal of agent ${owner.agentId}: ${fact}; remove it there first`);
}

/** Waits for a lock that is held for moments only. */
async function hold(path: string, signal: AbortSignal): Promise<HostLock> {
  for (;;) {
    const lock = takeLock(path);
    if (lock) return lock;
    await sleep(10, undefined, { signal });
  }
}

/** A Unix uid for each agent, claimed for the whole host, so that several planes and test runs never share one. */
export function createUidPrincipals({ machinesDir, hostDir }: { machinesDir: string; hostDir: string }): Principals {
  const dir = join(hostDir, 'principals');
  const fileOf = (uid: number): string => join(dir, `${uid}.json`);
  const all = (): { uid: number; claim: Claim }[] => readClaims(dir, (name, claim) => ({ uid: Number(name), claim }));

  const list = (): LocalPrincipal[] =>
    all()
      .filter(({ claim }) => claim.machinesDir === machinesDir)
      .map(({ uid, claim }) => ({ planeId: claim.planeId, agentId: claim.agentId, id: `uid:${uid}`, uid }));

  const find = (agentId: string): LocalPrincipal | undefined => list().find((each) => each.agentId === agentId);

  async function locked<T>(signal: AbortSignal, run: () => T): Promise<T> {
    // Agents may have to pass through the folder above, not through this one.
    mkdirSync(hostDir, { recursive: true, mode: 0o711 });
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const lock = await hold(join(dir, 'lock'), signal);
    try {
      return run();
    } finally {
      lock.release();
    }
  }

  /** Gives back the uids of data folders that are gone, such as those of test runs, once nothing runs as them. */
  function recycle(running: ReadonlySet<number>): void {
    for (const { uid, claim } of all()) {
      if (!existsSync(claim.machinesDir) && !running.has(uid)) rmSync(fileOf(uid), { force: true });
    }
  }

  return {
    list,
    find,
    ensure: (owner, signal) =>
      locked(signal, () => {
        // A claim for a folder that is not there counts as left behind.
        mkdirSync(machinesDir, { recursive: true });
        const found = find(owner.agentId);
        refuseOther('make', found, owner);
        if (found) return;
        const running = runningUids();
        recycle(running);
        const count = agentUids.last - agentUids.first + 1;
        const start = createHash('sha256').update(`${machinesDir}\n${owner.agentId}`).digest().readUInt32BE() % count;
        const claim: Claim = { planeId: owner.planeId, agentId: owner.agentId, machinesDir };
        for (let step = 0; step < count; step += 1) {
          const uid = agentUids.first + ((start + step) % count);
          // A uid that runs something nobody claimed is not ours to give.
          if (existsSync(fileOf(uid)) || running.has(uid)) continue;
          if (writeNew(fileOf(uid), `${JSON.stringify(claim)}\n`)) return;
        }
        throw new PlaneError(
          'unavailable',
          `cannot make principal of agent ${owner.agentId}: all ${count} uids of ${dir} are taken; remove agents`,
        );
      }),
    remove: (owner, signal) =>
      locked(signal, () => {
        const found = find(owner.agentId);
        refuseOther('remove', found, owner);
        if (found?.uid === undefined) return;
        if (runningUids().has(found.uid) || existsSync(join(machinesDir, owner.agentId))) {
          throw new PlaneError('unavailable', `cannot remove principal ${found.id}: its machine is still there; deprovision it first`);
        }
        unlinkSync(fileOf(found.uid));
      }),
  };
}

/** Where agents cannot have users of their own: the plane's user, recorded for each agent. */
export function createSharedPrincipals({ machinesDir, userId }: { machinesDir: string; userId: number }): Principals {
  const dir = join(machinesDir, '.principals');
  const list = (): LocalPrincipal[] => readClaims(dir, (agentId, claim) => ({ planeId: claim.planeId, agentId, id: `user:${userId}` }));
  const find = (agentId: string): LocalPrincipal | undefined => list().find((each) => each.agentId === agentId);
  return {
    list,
    find,
    async ensure(owner) {
      refuseOther('make', find(owner.agentId), owner);
      mkdirSync(dir, { recursive: true, mode: 0o700 });
      const claim: Claim = { planeId: owner.planeId, agentId: owner.agentId, machinesDir };
      writeNew(join(dir, `${owner.agentId}.json`), `${JSON.stringify(claim)}\n`);
    },
    async remove(owner) {
      refuseOther('remove', find(owner.agentId), owner);
      rmSync(join(dir, `${owner.agentId}.json`), { force: true });
    },
  };
}
