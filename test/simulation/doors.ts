import { createPlane } from '../../functions/plane.ts';
import { openPlanes } from '../../functions/planes.ts';
import type { IdentityProvider, Providers, UserIdentity } from '../../functions/core/providers.ts';
import type { Wake } from '../../functions/core/schedule.ts';
import type { Collection, Documents, Store, Transaction } from '../../functions/core/store.ts';
import type { Cloud } from './cloud.ts';
import type { VirtualClock } from './clock.ts';
import { plainPlane } from './directory-policies.ts';
import type { User } from './directory.ts';
import { openSession, type Worker } from './session.ts';
import { commitAll, type CommitWatch, type Memory, type Write } from './store-port.ts';
import { hashing, log, signer, tokenKey } from './wiring.ts';

export interface DoorsDeps {
  readonly clock: VirtualClock;
  readonly documents: Memory;
  readonly cloud: Cloud;
  readonly watch: CommitWatch;
  readonly wake: Wake;
  readonly users: ReadonlyMap<string, User>;
  /** Sees every commit that a call makes. */
  readonly onCommit: (writes: readonly Write[]) => void;
  /** Told of each call that would write the directory or change what a provider holds. */
  readonly onEffect: (what: string) => void;
}

/** Who shows it is an admin of the whole company. */
export const adminToken = 'the-token-of-an-admin';
const worker: Worker = { name: 'door', life: 0, up: true, stalledUntil: 0, crash: undefined, stall: undefined, busy: new Set() };

/** The store itself, without any fault, telling of each commit just before it is made. */
function createOpenStore(documents: Memory, onCommit: (writes: readonly Write[]) => void): Store {
  let line: Promise<unknown> = Promise.resolve();

  async function commit<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const writes: Write[] = [];
    const result = await work({
      get: (collection, id) => documents.get(collection, id),
      set: <C extends Collection>(collection: C, id: string, document: Documents[C]) =>
        void writes.push({ collection, id, document } as unknown as Write),
      delete: (collection, id) => void writes.push({ collection, id }),
    });
    if (writes.length > 0) onCommit(writes);
    await commitAll(documents, writes);
    return result;
  }

  return {
    get: (collection, id) => documents.get(collection, id),
    query: (collection, index, query) => documents.query(collection, index, query),
    transact: (work) => {
      const turn = line.then(() => commit(work));
      line = turn.catch(() => undefined);
      return turn;
    },
    changed: () => Promise.reject(new Error('nobody waits at these doors')),
    close: () => Promise.resolve(),
  };
}

const toIdentity = ({ id, email, enabled, suspended, deleted, budgetCap }: User): UserIdentity => ({
  ...{ id, email, name: id, ouPath: '/', groups: [], roles: [], active: !suspended && !deleted },
  fields: { agentEnabled: enabled, budgetCap: String(budgetCap) },
});

/** The real HTTP app of a plane over the store of a history: API, agents' door and all, in process. */
export async function openDoors({ clock, documents, cloud, watch, wake, users, onCommit, onEffect }: DoorsDeps) {
  const session = openSession(worker, 'door', clock);
  const store = createOpenStore(documents, (writes) => {
    watch.onCommit(session, writes);
    onCommit(writes);
  });
  const effect = async (what: string): Promise<never> => {
    onEffect(what);
    throw new Error(`${what} is not for these doors`);
  };
  const known = (): UserIdentity[] => [...users.values()].filter(({ deleted }) => !deleted).map(toIdentity);
  const identity: IdentityProvider = {
    name: 'simulated',
    authenticate: async () => effect('authenticate'),
    rolesOf: async () => [],
    resolveUser: async (key) => known().find(({ id, email }) => id === key || email === key),
    listUsers: () => {
      throw new Error('these doors list page by page');
    },
    listPage: async () => ({ users: known() }),
    listOrgUnits: async () => ['/'],
    searchUsers: async (text) => known().filter(({ email }) => email.startsWith(text)),
    examine: async () => [],
    membersOf: async () => [],
    activities: () => {
      throw new Error('these doors read no audit log');
    },
    watchEvents: () => effect('watchEvents'),
    stopWatching: () => effect('stopWatching'),
    publish: () => effect('publish'),
    writeRequests: (userId) => effect(`a write of ${userId} in the directory`),
  };
  const { looks } = cloud;
  const providers: Providers = {
    infra: {
      name: 'infra',
      principal: async (agentId) => looks.principal(agentId, clock.now()),
      listPrincipals: async () => looks.principals(clock.now()),
      ensurePrincipal: () => effect('ensurePrincipal'),
      removePrincipal: () => effect('removePrincipal'),
      provision: () => effect('provision'),
      freeze: () => effect('freeze'),
      deprovision: () => effect('deprovision'),
      restart: () => effect('restart'),
      resize: () => effect('resize'),
      status: async (agentId) => looks.status(agentId, clock.now()),
      listInstances: async () => looks.machines(clock.now()),
      versions: async () => ['1.0.0'],
      offer: async () => true,
      logs: async (agentId) => [`${agentId} is up`],
    },
    secrets: {
      name: 'secrets',
      get: async (key, agentId) => cloud.shelves.namespaces.get(agentId)?.values[key] ?? '',
      set: () => effect('set'),
      delete: () => effect('delete'),
      list: async (agentId) => [...(looks.namespace(agentId, clock.now())?.names ?? [])],
      namespace: async (agentId) => looks.namespace(agentId, clock.now()),
      listNamespaces: async () => looks.namespaces(clock.now()),
      grant: () => effect('grant'),
      revokeGrant: () => effect('revokeGrant'),
      purge: () => effect('purge'),
    },
    network: {
      name: 'network',
      setupAccess: () => effect('setupAccess'),
      revokeAccess: () => effect('revokeAccess'),
      configureEgress: () => effect('configureEgress'),
      remove: () => effect('remove'),
      observe: async (agentId) => looks.network(agentId, clock.now()),
      list: async () => looks.networks(clock.now()),
      tunnel: () => effect('tunnel'),
    },
  };
  const planes = openPlanes({ store, clock, hashing, wake, seed: { plane: plainPlane, from: 'sample' } });
  await planes.refresh();
  let serial = 0;
  const { app } = createPlane({
    ...{ plane: plainPlane, planes, store, wake, clock, hashing, log, identity },
    keys: { dataKey: Buffer.alloc(32), signer, tokenKey, publicKeyPem: '', backupIdentity: '' },
    confirm: async () => undefined,
    makeProviders: () => providers,
    upstream: { maker: 'stand-in' },
    ...{ company: 'Acme', publicUrl: 'http://plane.test', holder: 'door', services: [], ownAccounts: [] },
    knows: (token) => (token === adminToken ? { actor: { kind: 'user', id: 'admin@acme.test' }, roles: [{ role: 'admin' }] } : undefined),
    random: () => `door-${(serial += 1)}`,
    times: { effectMs: 10_000, waitMs: 3_000, resyncMs: 300_000, leaseMs: 30_000, lagMs: 0 },
  });

  return {
    async call(method: string, path: string, token: string, body?: unknown): Promise<{ readonly status: number; readonly text: string }> {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await app.fetch(new Request(`http://plane.test${path}`, { method, headers, ...sent }));
      return { status: answer.status, text: await answer.text() };
    },
  };
}
export type Doors = Awaited<ReturnType<typeof openDoors>>;
