import { contract, type Contract, type Operation } from '../../shared/contract.ts';
import type { Plane } from '../../shared/plane.ts';
import { indexes, type Collection } from '../../functions/core/store.ts';
import { openWorld, type World } from './world.ts';

export const [admin, colleague] = ['admin@acme.test', 'ops@acme.test'];
const owner = 'bob@acme.test';

export type Mutation = { [O in Operation]: Contract[O]['method'] extends 'get' ? never : O }[Operation];
export const mutations = (Object.keys(contract) as Operation[]).filter((each): each is Mutation => contract[each].method !== 'get');

interface Scene {
  readonly world: World;
  readonly agentId: string;
  /** Calls the API as somebody, and answers the body. */
  readonly ask: (method: string, path: string, body?: unknown, email?: string) => Promise<Record<string, unknown>>;
}

/** What makes a call possible, and then the path's own part and the body of that call. */
type Prepare = (scene: Scene) => Promise<{ readonly path: string; readonly body?: unknown }>;

export interface Change {
  readonly operation: Mutation;
  readonly name: string;
  readonly prepare: Prepare;
  readonly secondPerson?: boolean;
}

const plane = '/v1/planes/acme';
const cap = (budgetCap: number) => ({
  kind: 'policies',
  policies: [{ match: { organization: true }, spec: { agentEnabled: true, budgetCap } }],
});

async function makePlan({ ask }: Scene, change: unknown, email: string): Promise<string> {
  return `${plane}/plans/${String((await ask('POST', `${plane}/plans`, { change }, email))['id'])}`;
}
const beginOperation = async ({ ask }: Scene): Promise<string> => {
  const { id } = await ask('POST', `${plane}/operations`, { work: { kind: 'restart' }, select: { all: true } });
  return `${plane}/operations/${String(id)}`;
};
const about = async ({ world, agentId }: Scene) => ({ planeId: 'acme', agentId, ownerId: await world.idOf(owner), ownerEmail: owner });
async function asked(scene: Scene): Promise<void> {
  const request = {
    ...(await about(scene)),
    id: 'r1',
    tools: ['github'],
    channels: [],
    why: 'a bug',
    state: 'waiting',
    askedAt: 1,
  } as const;
  await scene.world.store.transact(async (tx) => tx.set('requests', 'r1', request));
}
const ofAgent =
  (verb: string, body?: unknown): Prepare =>
  async ({ agentId }) => ({ path: `${plane}/agents/${agentId}${verb}`, body });

/** Every way in which somebody can change something: at least one for each row of the contract that is no reading. */
const prepared = {
  async createPlane({ world }) {
    const { metadata: _metadata, ...rest } = world.plane;
    const spec = { ...rest.spec, identity: { ...rest.spec.identity, selector: { ous: ['/Nowhere'], groups: [] } }, agents: [] };
    return { path: '/v1/planes', body: { ...rest, metadata: { name: 'other' }, spec } };
  },
  deletePlane: async () => ({ path: `${plane}?force=true` }),
  createPlan: async () => ({ path: `${plane}/plans`, body: { change: cap(60) } }),
  applyPlan: async (scene) => ({ path: `${await makePlan(scene, cap(60), admin)}/apply` }),
  async decidePlan(scene) {
    const path = await makePlan(scene, cap(60), colleague);
    await scene.ask('POST', `${path}/apply`, undefined, colleague);
    return { path: `${path}/decision`, body: { decision: 'approve' } };
  },
  async healDrift(scene) {
    const { agentId, planeId, ownerEmail } = await about(scene);
    const field = { part: 'egress', field: 'default', wanted: 'restricted', found: 'open', mode: 'alert', since: 1 } as const;
    await scene.world.store.transact(async (tx) =>
      tx.set('drifts', agentId, { agentId, planeId, ownerEmail, ouPath: '/Sales', fields: [field] }),
    );
    return { path: `${plane}/drift/heal`, body: { agentIds: [agentId] } };
  },
  createAgent: async () => ({ path: `${plane}/agents`, body: { ownerEmail: 'carol@acme.test', name: 'Ada', budgetCap: 20 } }),
  updateAgent: ofAgent('', { budgetCap: 21 }),
  removeAgent: ofAgent(''),
  restartAgent: ofAgent('/restart'),
  pauseAgent: ofAgent('/pause', { reason: 'holidays' }),
  async resumeAgent(scene) {
    await scene.ask('POST', `${plane}/agents/${scene.agentId}/pause`, {});
    return ofAgent('/resume')(scene);
  },
  reprovisionAgent: ofAgent('/reprovision', { acceptLoss: true }),
  rotateSecrets: async ({ agentId }) => ({ path: `${plane}/rotate-secrets`, body: { agentId } }),
  upgradeAgent: ofAgent('/upgrade', { version: '2.0.0' }),
  createBackup: ofAgent('/backups'),
  async restoreBackup(scene) {
    const { planeId, agentId, ownerId } = await about(scene);
    const times = { startedAt: 1, finishedAt: 2, expiresAt: scene.world.clock.now() + 3_600_000_000 };
    const backup = { id: 'b1', planeId, agentId, ownerId, incarnation: 1, reason: 'asked', ...times, bytes: 1, sha256: '' } as const;
    await scene.world.store.transact(async (tx) => tx.set('backups', 'b1', backup));
    return ofAgent('/backups/b1/restore')(scene);
  },
  createOperation: async () => ({
    path: `${plane}/operations`,
    body: { work: { kind: 'restart' }, select: { all: true }, rings: [{ percent: 50 }] },
  }),
  cancelOperation: async (scene) => ({ path: `${await beginOperation(scene)}/cancel` }),
  async resumeOperation(scene) {
    const path = await beginOperation(scene);
    await scene.ask('POST', `${path}/cancel`);
    return { path: `${path}/resume` };
  },
  createDownload: async () => ({ path: `${plane}/downloads`, body: { report: 'cost' } }),
  updateUser: async () => ({ path: `${plane}/users/${owner}`, body: { budgetCap: 22, modelTier: 'haiku' } }),
  async decideApproval(scene) {
    const { agentId, ownerId, ...rest } = await about(scene);
    const hold = {
      agentId,
      userId: ownerId,
      planeId: rest.planeId,
      ownerEmail: owner,
      to: 'removed',
      approvalId: 'p1',
      seenAt: 1,
    } as const;
    await scene.world.store.transact(async (tx) => {
      tx.set('approvals', 'p1', { id: 'p1', planeId: 'acme', state: 'waiting', creates: 0, removes: 1, askedAt: 1 });
      tx.set('holds', agentId, { ...hold, reason: 'policy' } as never);
    });
    return { path: `${plane}/approvals/p1`, body: { decision: 'approve' } };
  },
  async decideRequest(scene) {
    await asked(scene);
    return { path: `${plane}/requests/r1`, body: { decision: 'approve' } };
  },
  async revokeGrant(scene) {
    await asked(scene);
    await scene.ask('POST', `${plane}/requests/r1`, { decision: 'approve' });
    return { path: `${plane}/users/${owner}/grants/r1` };
  },
} as const satisfies Record<Mutation, Prepare>;

const more: readonly Change[] = [
  {
    operation: 'applyPlan',
    name: 'of a plan for one user',
    prepare: async (scene) => ({
      path: `${await makePlan(scene, { kind: 'user', userKey: owner, requests: { budgetCap: 33 } }, admin)}/apply`,
    }),
  },
  {
    operation: 'applyPlan',
    name: 'that waits for a second person',
    secondPerson: true,
    prepare: prepared.applyPlan,
  },
  {
    operation: 'decidePlan',
    name: 'that denies',
    secondPerson: true,
    async prepare(scene) {
      return { ...(await prepared.decidePlan(scene)), body: { decision: 'deny', reason: 'no' } };
    },
  },
  {
    operation: 'decideApproval',
    name: 'that denies',
    async prepare(scene) {
      return { ...(await prepared.decideApproval(scene)), body: { decision: 'deny' } };
    },
  },
  {
    operation: 'decideRequest',
    name: 'that denies',
    async prepare(scene) {
      return { ...(await prepared.decideRequest(scene)), body: { decision: 'deny', reason: 'no' } };
    },
  },
];

export const changes: readonly Change[] = [
  ...mutations.map((operation) => {
    const prepare: Prepare = (scene) => prepared[operation](scene);
    return { operation, name: '', prepare, secondPerson: operation === 'decidePlan' };
  }),
  ...more,
];

const collections = Object.keys(indexes) as Collection[];
const requestFields = ['agentEnabled', 'modelTier', 'budgetCap', 'toolAllowlist', 'channelRestrictions'];

const copyStore = ({ store }: World) => new Map(collections.map((collection) => [collection, new Map(store.entries(collection))]));

async function copyPeople({ directory }: World) {
  const copied: [string, Record<string, unknown>][] = [];
  for (const userKey of [owner, 'carol@acme.test']) {
    const { data } = await directory.users.get({ userKey, projection: 'full' });
    const fields: Record<string, unknown> = { ...data.customSchemas?.['OpenClaw_Agent'] };
    copied.push([userKey, Object.fromEntries(requestFields.map((field) => [field, fields[field] ?? null]))]);
  }
  return copied;
}

/** A plane with one agent whose background work stands still, and a call that is ready to be made. */
export async function openScene({ operation, prepare, secondPerson = false }: Change, sample: Plane) {
  const spec = { ...sample.spec, changes: { ...sample.spec.changes, secondPerson } };
  const world = await openWorld({ plane: { ...sample, spec } });
  const ask: Scene['ask'] = async (method, path, body, email = admin) => {
    const answer = await world.call(method, path, email, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  await ask('POST', `${plane}/agents`, { ownerEmail: owner });
  const agentId = await world.agentIdOf(owner);
  await world.settle();
  await world.wake.stop();
  const { path, body } = await prepare({ world, agentId, ask });
  const method = contract[operation].method.toUpperCase();
  const toRequest = (headers: Record<string, string>): Request =>
    new Request(world.url + path, {
      method,
      headers: {
        ...headers,
        authorization: `Bearer ${world.idToken(admin)}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const { documents, people } = { documents: copyStore(world), people: await copyPeople(world) };
  return {
    world,
    toRequest,
    /** Puts store and directory back to where the call had not been made yet. */
    async restore(): Promise<void> {
      for (const [userKey, OpenClaw_Agent] of people)
        await world.directory.users.update({ userKey, requestBody: { customSchemas: { OpenClaw_Agent } } });
      await world.store.transact(async (tx) => {
        for (const collection of collections) {
          const former = documents.get(collection);
          for (const id of [...world.store.entries(collection)].map(([each]) => each)) if (!former?.has(id)) tx.delete(collection, id);
          for (const [id, document] of former ?? []) tx.set(collection, id, document);
        }
      });
    },
  };
}
