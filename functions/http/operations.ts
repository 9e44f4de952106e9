import type { OperationWork } from '../../shared/contract-operations.ts';
import type { Plane } from '../../shared/plane.ts';
import type { Selection } from '../../shared/views-fleet.ts';
import { PlaneError } from '../core/errors.ts';
import type { IdentityProvider, InfraProvider } from '../core/providers.ts';
import type { Actor, AgentRecord, OperationRecord } from '../core/records.ts';
import type { Sent } from '../core/sent.ts';
import type { Query, Store } from '../core/store.ts';
import type { Ctx } from '../core/surroundings.ts';
import { readMembers } from '../directory/groups.ts';
import { createOperations, type OperationsDeps, type Wanted } from '../operations/operations.ts';
import type { Works } from '../operations/runner.ts';
import { readAgents, select } from '../operations/selection.ts';
import { readAgentsView, readOperationView, toDryRunView, toOperationView } from '../operations/view.ts';
import type { Handlers } from './handlers.ts';
import { readPage } from './paging.ts';

export interface OperationHandlerDeps extends OperationsDeps {
  /** Throws `notFound` for a plane that is not here. */
  readonly planeOf: (planeId: string) => Plane;
  readonly identity: Pick<IdentityProvider, 'membersOf'>;
  readonly infraOf: (planeId: string) => Pick<InfraProvider, 'versions'>;
  readonly works: Works;
  /** Marks a plane as one to be removed, and every agent of it; may be repeated. */
  readonly condemn: (planeId: string, actor: Actor, within: Store) => Promise<unknown>;
}

type Rows =
  | 'createOperation'
  | 'listOperations'
  | 'getOperation'
  | 'listOperationAgents'
  | 'cancelOperation'
  | 'resumeOperation'
  | 'rotateSecrets'
  | 'deletePlane';

/** Nobody waits for another when all secrets or a whole plane are to go. */
const [allAtOnce, whateverFails] = [500, 100] as const;

const unpublished = (planeId: string, version: string | undefined, known: readonly string[]): PlaneError =>
  new PlaneError(
    'invalid',
    `cannot upgrade agents of plane ${planeId}: OpenClaw ${version ?? ''} is not published here; there are ${known.join(', ')}`,
  );

/** Work on many agents: what begins it, how far it is, what people decide of it (REQ-SEC-02, REQ-WS-05, REQ-INFRA-06, REQ-MAINT-05). */
export function createOperationHandlers(deps: OperationHandlerDeps): Pick<Handlers, Rows> {
  const { store, planeOf, identity, works } = deps;
  const operations = createOperations(deps);
  const view = (operation: OperationRecord) => readOperationView(operation, store);

  const selected = (planeId: string, selection: Selection, ctx: Ctx): Promise<readonly AgentRecord[]> =>
    select(planeId, selection, {
      store,
      async membersOf(group) {
        const known = await readMembers(store, group.toLowerCase());
        if (known) return known;
        const asked = await identity.membersOf(group, ctx);
        return asked && new Set(asked);
      },
    });

  /** What the work has to know; the version is chosen once for all. */
  async function toArgs(work: OperationWork, plane: Plane, ctx: Ctx): Promise<Readonly<Record<string, string>>> {
    if (work.kind === 'pause') return { reason: work.reason };
    if (work.kind === 'reprovision') return work.acceptLoss ? { acceptLoss: 'true' } : {};
    if (work.kind !== 'upgrade') return {};
    const { name } = plane.metadata;
    const known = await deps.infraOf(name).versions(ctx);
    const version = work.version ?? plane.spec.openclaw.version ?? known[0];
    if (version !== undefined && known.includes(version)) return { version };
    throw unpublished(name, version, known);
  }

  const operationsOf = (sent: Sent) => createOperations({ ...deps, store: sent.once('operation'), random: sent.random });

  async function begin(agents: readonly AgentRecord[], wanted: Wanted, actor: Actor, sent: Sent) {
    return toOperationView(await operationsOf(sent).create(agents, wanted, actor));
  }

  /** Those of which anything is left. */
  async function remaining(planeId: string): Promise<readonly AgentRecord[]> {
    const agents = await readAgents(store, planeId);
    const left: AgentRecord[] = [];
    for (const agent of agents) {
      const status = agent.desired === 'removed' ? await store.get('statuses', agent.agentId) : undefined;
      if (status?.phase !== 'removed' || status.incarnation !== agent.incarnation) left.push(agent);
    }
    return left;
  }

  return {
    async createOperation({ params: { planeId }, body, actor, authorize, sent, ctx }) {
      const plane = planeOf(planeId);
      const { work, dryRun, ...terms } = body;
      if (!works[work.kind]) {
        const remedy = 'set up where backups are kept';
        throw new PlaneError('conflict', `cannot ${work.kind} agents of plane ${planeId}: this deployment keeps no backups; ${remedy}`);
      }
      const wanted = { planeId, kind: work.kind, args: await toArgs(work, plane, ctx), ...terms };
      const agents = await selected(planeId, body.select, ctx);
      if (dryRun) return toDryRunView(operations.plan(agents, wanted, actor, 'dry-run').operation);
      await authorize();
      return begin(agents, wanted, actor, sent);
    },
    async listOperations({ params: { planeId }, query: { state, ...page } }) {
      planeOf(planeId);
      const query = (range: Omit<Query, 'equals'>) =>
        state === undefined
          ? store.query('operations', 'byPlane', { equals: [planeId], ...range })
          : store.query('operations', 'byState', { equals: [planeId, state], ...range });
      const { shown, next } = await readPage(query, page);
      return { operations: await Promise.all(shown.map(view)), next };
    },
    getOperation: async ({ params }) => view(await operations.find(params.planeId, params.operationId)),
    async listOperationAgents({ params, query }) {
      const operation = await operations.find(params.planeId, params.operationId);
      if (query.cursor !== undefined && !/^\d{1,9}$/.test(query.cursor))
        throw new PlaneError(
          'invalid',
          `cannot list agents of operation ${operation.id}: the cursor is not the \`next\` of a page; leave it out`,
        );
      return readAgentsView(operation, query, store);
    },
    async cancelOperation({ params, actor, authorize, sent }) {
      await authorize();
      return view(await operationsOf(sent).cancel(params.planeId, params.operationId, actor));
    },
    async resumeOperation({ params, actor, authorize, sent }) {
      await authorize();
      return view(await operationsOf(sent).resume(params.planeId, params.operationId, actor));
    },
    async rotateSecrets({ params: { planeId }, body: { agentId }, actor, authorize, sent, ctx }) {
      planeOf(planeId);
      const agent = agentId === undefined ? undefined : await store.get('agents', agentId);
      if (agentId !== undefined && agent?.planeId !== planeId)
        throw new PlaneError('notFound', `cannot find agent ${agentId} in plane ${planeId}; GET /v1/planes/${planeId}/agents lists them`);
      if (agent?.desired === 'removed' && !sent.begun)
        throw new PlaneError('conflict', `cannot rotate the secrets of agent ${agent.agentId}: it is ${agent.reason}; switch it on first`);
      const selection = agent ? { agents: [agent.agentId] } : { all: true as const };
      const agents = agent ? [agent] : await selected(planeId, selection, ctx);
      await authorize();
      const terms = { concurrency: allAtOnce, maxFailurePercent: whateverFails, rings: [] };
      return begin(agents, { planeId, kind: 'rotateSecrets', args: {}, select: selection, ...terms }, actor, sent);
    },
    async deletePlane({ params: { planeId }, query: { force }, actor, authorize, sent }) {
      planeOf(planeId);
      const under = await store.query('operations', 'byState', { equals: [planeId, 'running'], reverse: true, limit: 500 });
      const known = under.find(({ kind }) => kind === 'removePlane');
      if (known) return view(known);
      const agents = await remaining(planeId);
      const living = agents.filter(({ desired }) => desired === 'running').length;
      if (living > 0 && !force) {
        const remedy = 'switch them off first, or say `force`, which removes them all with their memory';
        throw new PlaneError('conflict', `cannot remove plane ${planeId}: it has ${living} agents; ${remedy}`);
      }
      await authorize();
      // First this: should a crash come in between, the same call again finds whom to follow.
      await deps.condemn(planeId, actor, sent.once('plane'));
      const terms = { concurrency: allAtOnce, maxFailurePercent: whateverFails, rings: [] };
      return begin(agents, { planeId, kind: 'removePlane', args: {}, select: { all: true }, ...terms }, actor, sent);
    },
  };
}
