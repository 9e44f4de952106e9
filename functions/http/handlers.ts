import { setImmediate as breathe } from 'node:timers/promises';
import type { z } from 'zod';
import type { Answer, Contract, Operation } from '../../shared/contract.ts';
import type { UserRequests } from '../../shared/directory-schema.ts';
import type { Plane } from '../../shared/plane.ts';
import { toAgentId } from '../../shared/agent.ts';
import type { Reprovision } from '../care/reprovision.ts';
import { changeAgent, toDraft, type ChangeDeps } from '../core/agents.ts';
import { agentChain, planeChain, verifyAll } from '../core/audit.ts';
import { PlaneError } from '../core/errors.ts';
import { note } from '../core/notes.ts';
import type { IdentityProvider, InfraProvider, UserIdentity } from '../core/providers.ts';
import type { Actor, AgentRecord } from '../core/records.ts';
import type { Ctx } from '../core/surroundings.ts';
import { pauseAgent, restartAgent, resumeAgent } from '../core/verbs.ts';
import { createApprovalHandlers } from './approvals.ts';
import { countAgents } from './counts.ts';
import { explainUser, toExplanationView } from './explain.ts';
import { createGrantHandlers } from './grants.ts';
import { createRequestHandlers } from './requests.ts';
import { readAgentView, readUserView } from './views.ts';

export interface HandlerDeps extends ChangeDeps {
  readonly planes: readonly Plane[];
  readonly identity: Pick<IdentityProvider, 'resolveUser' | 'writeRequests'>;
  readonly infraOf: (planeId: string) => InfraProvider;
  readonly look: (userId: string, ctx: Ctx) => Promise<void>;
  /** Absent where no backups are kept. */
  readonly reprovision?: Pick<Reprovision, 'begin'>;
}

type Input<O extends Operation> = {
  readonly params: z.infer<Contract[O]['params']>;
  readonly query: z.infer<Contract[O]['query']>;
  readonly body: Contract[O] extends { body: infer B extends z.ZodType } ? z.infer<B> : undefined;
  readonly actor: Actor;
  /** Throws `forbidden` when the caller no longer has the role; awaited just before each effect. */
  readonly authorize: () => Promise<void>;
  readonly ctx: Ctx;
};

export type Handlers = { readonly [O in Operation]: (input: Input<O>) => Promise<Answer<O>> };

type Wishes = { readonly [K in keyof UserRequests]: UserRequests[K] | null };

const withoutUndefined = (wishes: Record<string, unknown>): Wishes =>
  Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined));

export function planeOf(planes: readonly Plane[], planeId: string): Plane {
  const plane = planes.find(({ metadata }) => metadata.name === planeId);
  if (plane) return plane;
  throw new PlaneError('notFound', `cannot find plane ${planeId}; planes here: ${planes.map(({ metadata }) => metadata.name).join(', ')}`);
}
const findPlane = planeOf;

export function createHandlers(deps: HandlerDeps): Partial<Handlers> {
  const { planes, identity, infraOf, look, store, clock, hashing } = deps;

  const planeOf = (planeId: string): Plane => findPlane(planes, planeId);

  async function agentOf({ planeId, agentId }: { planeId: string; agentId: string }): Promise<AgentRecord> {
    planeOf(planeId);
    const agent = await store.get('agents', agentId);
    if (agent?.planeId === planeId) return agent;
    throw new PlaneError('notFound', `cannot find agent ${agentId} in plane ${planeId}; GET /v1/planes/${planeId}/agents lists them`);
  }

  async function userOf(userKey: string, ctx: Ctx): Promise<UserIdentity> {
    const user = await identity.resolveUser(userKey, ctx);
    if (user) return user;
    throw new PlaneError('notFound', `cannot find user ${userKey} in the directory; check the address, or whether the user was deleted`);
  }

  const viewAgent = (agent: AgentRecord) => readAgentView(agent, store, clock.now(), planeOf(agent.planeId).spec.timeZone);

  const viewUser = async (plane: Plane, userId: string, ctx: Ctx) =>
    readUserView(plane, await userOf(userId, ctx), store, hashing, clock.now());

  /** Writes wishes through to the directory, which owns them, and takes them in at once. */
  async function wish(
    planeId: string,
    userKey: string,
    wishes: Wishes,
    { actor, authorize, ctx }: Pick<Input<'updateUser'>, 'actor' | 'authorize' | 'ctx'>,
  ) {
    const plane = planeOf(planeId);
    const user = await userOf(userKey, ctx);
    const listed = plane.spec.agents.some(({ owner }) => owner === user.email);
    if (listed) {
      throw new PlaneError('conflict', `cannot change ${user.email} here: planes.yaml of plane ${planeId} owns this agent; edit it there`);
    }
    await authorize();
    const detail = JSON.parse(JSON.stringify(wishes)) as Record<string, string>;
    const agentId = toAgentId(planeId, user.id, hashing.sha256);
    await note({ agentId }, { actor, action: 'user.requests', target: user.id, detail }, deps);
    await identity.writeRequests(user.id, wishes, ctx);
    await look(user.id, ctx);
    return viewUser(plane, user.id, ctx);
  }

  return {
    async listPlanes() {
      const list = planes.map(async ({ metadata, spec }) => ({
        planeId: metadata.name,
        providers: {
          identity: spec.identity.provider,
          infrastructure: spec.infrastructure.provider,
          secrets: spec.secrets.provider,
          networking: spec.networking.provider,
        },
        agents: await countAgents(store, metadata.name),
      }));
      return { planes: await Promise.all(list) };
    },
    async listAgents({ params, query }) {
      const plane = planeOf(params.planeId);
      const from = query.cursor === undefined ? {} : { from: query.cursor };
      const agents = await store.query('agents', 'byPlane', { equals: [params.planeId], ...from, limit: query.limit + 1 });
      const now = clock.now();
      const views = await Promise.all(agents.slice(0, query.limit).map((agent) => readAgentView(agent, store, now, plane.spec.timeZone)));
      return { agents: views, next: agents[query.limit]?.agentId ?? null };
    },
    async createAgent({ params, body: { ownerEmail, name, ...wishes }, ...call }) {
      const view = await wish(params.planeId, ownerEmail, withoutUndefined({ ...wishes, agentEnabled: true }), call);
      if (name === undefined || !view.agent) return view;
      await changeAgent(view.agent.agentId, call.actor, (current) => current && { ...toDraft(current), name }, deps);
      return {
        ...view,
        agent: await viewAgent(await agentOf({ planeId: params.planeId, agentId: view.agent.agentId })),
      };
    },
    getAgent: async ({ params }) => viewAgent(await agentOf(params)),
    updateAgent: async ({ params, body, ...call }) => wish(params.planeId, (await agentOf(params)).ownerId, withoutUndefined(body), call),
    removeAgent: async ({ params, ...call }) => wish(params.planeId, (await agentOf(params)).ownerId, { agentEnabled: false }, call),
    async restartAgent({ params, actor, authorize }) {
      const agent = await agentOf(params);
      await authorize();
      return viewAgent(await restartAgent(agent, actor, deps));
    },
    async pauseAgent({ params, body, actor, authorize }) {
      const agent = await agentOf(params);
      await authorize();
      return viewAgent(await pauseAgent(agent, actor, body.reason, deps));
    },
    async resumeAgent({ params, actor, authorize }) {
      const agent = await agentOf(params);
      await authorize();
      return viewAgent(await resumeAgent(agent, actor, deps));
    },
    async reprovisionAgent({ params, body, actor, authorize }) {
      const agent = await agentOf(params);
      if (!deps.reprovision) {
        throw new PlaneError(
          'conflict',
          `cannot reprovision agent ${agent.agentId}: this plane keeps no backups; set up where they are kept`,
        );
      }
      await authorize();
      await deps.reprovision.begin(agent, actor, body);
      return viewAgent(agent);
    },
    async agentLogs({ params, query, ctx }) {
      const agent = await agentOf(params);
      if (agent.desired === 'removed') {
        throw new PlaneError(
          'conflict',
          `cannot read logs of agent ${agent.agentId}: it was removed (${agent.reason}); its receipt is what is left`,
        );
      }
      return { lines: [...(await infraOf(agent.planeId).logs(agent.agentId, { lines: query.lines }, ctx))] };
    },
    async agentReceipt({ params }) {
      const agent = await agentOf(params);
      const [receipt] = await store.query('receipts', 'byAgent', { equals: [agent.agentId], reverse: true, limit: 1 });
      if (!receipt) throw new PlaneError('notFound', `cannot find a receipt of agent ${agent.agentId}: it was never removed`);
      return { ...receipt, listings: [...receipt.listings] };
    },
    getUser: ({ params, ctx }) => viewUser(planeOf(params.planeId), params.userKey, ctx),
    updateUser: ({ params, body, ...call }) => wish(params.planeId, params.userKey, withoutUndefined(body), call),
    async explainUser({ params: { planeId, userKey }, ctx }) {
      const [plane, user] = [planeOf(planeId), await userOf(userKey, ctx)];
      return toExplanationView(user, (await explainUser(plane, user, store, hashing)).explanation);
    },
    ...createApprovalHandlers(deps),
    ...createRequestHandlers(deps),
    ...createGrantHandlers({ ...deps, userOf }),
    async listAudit({ params, query }) {
      planeOf(params.planeId);
      const chain = query.agentId === undefined ? planeChain(params.planeId) : agentChain(query.agentId);
      if (query.agentId !== undefined) await agentOf({ planeId: params.planeId, agentId: query.agentId });
      const before = query.cursor === undefined ? {} : { before: Number(query.cursor) };
      const rows = await store.query('audit', 'bySeq', { equals: [chain], ...before, reverse: true, limit: query.limit + 1 });
      const shown = rows.slice(0, query.limit);
      const view = shown.map(({ previous: _previous, at, detail, ...row }) => ({
        ...row,
        at: new Date(at).toISOString(),
        detail: JSON.parse(JSON.stringify(detail)) as z.core.util.JSONType,
      }));
      return { rows: view, next: rows.length > query.limit ? String(shown.at(-1)?.seq) : null };
    },
    async verifyAudit({ params, ctx }) {
      planeOf(params.planeId);
      const pause = async (): Promise<void> => {
        ctx.signal.throwIfAborted();
        await breathe();
      };
      const concerns = async (chain: string): Promise<boolean> => {
        const agentId = /^agent\/(.*)$/.exec(chain)?.[1];
        if (agentId === undefined) return chain === planeChain(params.planeId);
        // Wishes for a user who never got an agent have a chain as well.
        const agent = await store.get('agents', agentId);
        return agent === undefined || agent.planeId === params.planeId;
      };
      const { chains, rows, faults } = await verifyAll(store, hashing, pause, concerns);
      return { chains, rows, checkpoints: 0, faults: [...faults] };
    },
  };
}
