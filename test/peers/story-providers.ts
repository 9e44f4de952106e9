import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { PlaneError } from '../../functions/core/errors.ts';
import type {
  AgentInstance,
  InfraProvider,
  NetworkProvider,
  NetworkState,
  Principal,
  SecretNamespace,
  SecretsProvider,
} from '../../functions/core/providers.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';
import { hasCode, readIfPresent, writeFileAtomic } from '../../functions/files.ts';
import { createRegistry } from '../../functions/registry.ts';
import type { Registries } from '../../functions/providers/registries.ts';

/*
 * Providers that keep everything in files, one for each agent, so that any number of processes sees the same clouds. The
 * system calls are the atomic verbs of a cloud: a machine is made by an exclusive create, and written down in `made.log`.
 */

export const holdFile = (dir: string, verb: string): string => join(dir, 'hold', verb);
/** `<verb>-<pid>` of processes that stand still in the middle of a verb. */
export const busyIn = (dir: string): string[] => readdirSync(join(dir, 'busy'));
export const madeLog = (dir: string): string => join(dir, 'made.log');

export function prepareFolders(dir: string): void {
  for (const name of ['principals', 'machines', 'spaces', 'network', 'hold', 'busy']) mkdirSync(join(dir, name), { recursive: true });
  writeFileSync(madeLog(dir), '');
}

function createFiles<T>(folder: string) {
  const pathOf = (agentId: string): string => join(folder, `${agentId}.json`);
  const parse = (text: Buffer | undefined): T | undefined => text && (JSON.parse(text.toString()) as T);
  return {
    read: (agentId: string): T | undefined => parse(readIfPresent(pathOf(agentId))),
    write: (agentId: string, value: T): void => writeFileAtomic(pathOf(agentId), JSON.stringify(value), 0o600),
    remove: (agentId: string): void => rmSync(pathOf(agentId), { force: true }),
    /** False where it is there already. */
    create(agentId: string, value: T): boolean {
      try {
        writeFileSync(pathOf(agentId), JSON.stringify(value), { flag: 'wx' });
        return true;
      } catch (error) {
        if (hasCode(error, 'EEXIST')) return false;
        throw error;
      }
    },
    list(): T[] {
      const names = readdirSync(folder).filter((name) => /^[a-z0-9]+\.json$/.test(name));
      return names.flatMap((name) => parse(readIfPresent(pathOf(basename(name, '.json')))) ?? []);
    },
  };
}

/** Stands still in the middle of a verb for as long as the test holds it there. */
async function holdStill(dir: string, verb: string, ctx: Ctx): Promise<void> {
  if (!existsSync(holdFile(dir, verb))) return;
  const busy = join(dir, 'busy', `${verb}-${process.pid}`);
  writeFileSync(busy, '');
  for (let waits = 0; waits < 400 && existsSync(holdFile(dir, verb)); waits += 1) {
    await sleep(50);
    ctx.signal.throwIfAborted();
  }
  rmSync(busy, { force: true });
}

function createInfra(planeId: string, dir: string): InfraProvider {
  const principals = createFiles<Principal>(join(dir, 'principals'));
  const machines = createFiles<AgentInstance>(join(dir, 'machines'));
  return {
    name: 'files',
    principal: async (agentId) => principals.read(agentId),
    listPrincipals: async () => principals.list(),
    ensurePrincipal: async (agentId) => void principals.create(agentId, { planeId, agentId, id: `principal-${agentId}` }),
    removePrincipal: async (agentId) => principals.remove(agentId),
    async provision({ agentId, machineType, region, diskSizeGb }, ctx) {
      const machine: AgentInstance = { planeId, agentId, machineType, region, diskSizeGb, state: 'running' };
      if (machines.create(agentId, machine)) appendFileSync(madeLog(dir), `${agentId}\n`);
      else machines.write(agentId, machine);
      await holdStill(dir, 'provision', ctx);
    },
    async freeze(agentId) {
      const machine = machines.read(agentId);
      if (machine) machines.write(agentId, { ...machine, state: 'frozen' });
    },
    async deprovision(agentId, ctx) {
      machines.remove(agentId);
      await holdStill(dir, 'deprovision', ctx);
    },
    restart: async () => undefined,
    resize: async () => undefined,
    versions: async () => ['1.0.0', '2.0.0'],
    offer: async () => true,
    status: async (agentId) => machines.read(agentId),
    listInstances: async () => machines.list(),
    logs: async () => [],
  };
}

interface Space extends SecretNamespace {
  readonly values: Readonly<Record<string, string>>;
}
export const readSecrets = (dir: string, agentId: string): Readonly<Record<string, string>> =>
  createFiles<Space>(join(dir, 'spaces')).read(agentId)?.values ?? {};

function createSecrets(planeId: string, dir: string): SecretsProvider {
  const spaces = createFiles<Space>(join(dir, 'spaces'));
  const empty = (agentId: string): Space => ({ planeId, agentId, names: [], values: {} });
  const write = (agentId: string, space: Space): void => spaces.write(agentId, { ...space, names: Object.keys(space.values) });
  return {
    name: 'files',
    async get(key, agentId) {
      const found = spaces.read(agentId)?.values[key];
      if (found === undefined) throw new PlaneError('notFound', `cannot read secret ${key} of ${agentId}: there is none`);
      return found;
    },
    async set(key, value, agentId) {
      const space = spaces.read(agentId) ?? empty(agentId);
      write(agentId, { ...space, values: { ...space.values, [key]: value } });
    },
    async delete(key, agentId) {
      const space = spaces.read(agentId);
      if (space) write(agentId, { ...space, values: Object.fromEntries(Object.entries(space.values).filter(([name]) => name !== key)) });
    },
    list: async (agentId) => spaces.read(agentId)?.names ?? [],
    namespace: async (agentId) => spaces.read(agentId),
    listNamespaces: async () => spaces.list(),
    grant: async (agentId, grantedTo) => write(agentId, { ...(spaces.read(agentId) ?? empty(agentId)), grantedTo }),
    async revokeGrant(agentId) {
      const { grantedTo: _gone, ...space } = spaces.read(agentId) ?? {};
      if ('agentId' in space) write(agentId, space);
    },
    purge: async (agentId) => spaces.remove(agentId),
  };
}

function createNetwork(planeId: string, dir: string): NetworkProvider {
  const held = createFiles<NetworkState>(join(dir, 'network'));
  const change = (agentId: string, more: Partial<NetworkState>): void =>
    held.write(agentId, { ...(held.read(agentId) ?? { planeId, agentId }), ...more });
  return {
    name: 'files',
    setupAccess: async (agentId, access) => change(agentId, { access }),
    async revokeAccess(agentId) {
      const found = held.read(agentId);
      if (!found) return;
      const { access: _gone, ...rest } = found;
      held.write(agentId, rest);
    },
    configureEgress: async (agentId, egress) => change(agentId, { egress }),
    remove: async (agentId) => held.remove(agentId),
    observe: async (agentId) => held.read(agentId),
    list: async () => held.list(),
    tunnel: async () => ({ host: '127.0.0.1', port: 1 }),
  };
}

interface Options {
  readonly planeId: string;
  readonly localDir: string;
}
const options = z.object({ planeId: z.string(), localDir: z.string() });
const only = <P>(kind: string, open: (planeId: string, dir: string) => P) =>
  createRegistry<P, { files: Options }>(kind, { files: { options, create: ({ planeId, localDir }) => open(planeId, localDir) } });

export const fileRegistries: Pick<Registries, 'infrastructure' | 'secrets' | 'networking'> = {
  infrastructure: only('infrastructure', createInfra),
  secrets: only('secrets', createSecrets),
  networking: only('networking', createNetwork),
};
