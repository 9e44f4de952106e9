import type { z } from 'zod';
import type { Channel } from '../../shared/agent.ts';
import type { Answer, Contract, Operation } from '../../shared/contract.ts';
import type { Plane } from '../../shared/plane.ts';
import type { Reprovision } from '../care/reprovision.ts';
import { changeAgent, toDraft, type ChangeDeps } from '../core/agents.ts';
import { PlaneError } from '../core/errors.ts';
import { note } from '../core/notes.ts';
import type { IdentityProvider, InfraProvider, UserIdentity } from '../core/providers.ts';
import type { Actor, AgentRecord } from '../core/records.ts';
import type { Sent } from '../core/sent.ts';
import type { Ctx } from '../core/surroundings.ts';
import { pauseAgent, restartAgent, resumeAgent } from '../core/verbs.ts';
import type { Planes } from '../planes.ts';
import type { Works } from '../operations/runner.ts';
import { condemn } from '../plane-removal.ts';
import { createApprovalHandlers } from './approvals.ts';
import { createCostHandlers } from './cost.ts';
import { createCareHandlers, type CareHandlerDeps } from './care.ts';
import { createAgentListHandlers, type AgentListDeps } from './agent-list.ts';
import { createAuditHandlers, type AuditDeps } from './audit.ts';
import { explainUser, toExplanationView } from './explain.ts';
import { createDownloadHandlers, type DownloadDeps } from './downloads.ts';
import { createDiagnosisHandlers, type DiagnosisDeps } from './diagnosis.ts';
import { createGrantHandlers } from './grants.ts';
import { createOperationHandlers } from './operations.ts';
import { createModelListHandlers } from './models.ts';
import { createPlaneHandlers, type PlaneChecks } from './planes.ts';
import { createDriftHandlers } from './drift.ts';
import { createPlanHandlers } from './plans.ts';
import { createRequestHandlers } from './requests.ts';
import { createEtags, requireMatch, type IfMatch } from './etag.ts';
import type { Within } from './reach.ts';
import { readAgentView, readUserView } from './views.ts';
import { createWishes, type Wishes } from './wishes.ts';

export interface HandlerDeps
  extends ChangeDeps, Omit<AuditDeps, 'planeOf'>, PlaneChecks, DownloadDeps, Omit<DiagnosisDeps, 'identity' | 'fleet'> {
  readonly planes: Planes;
  readonly identity: Pick<
    IdentityProvider,
    'resolveUser' | 'writeRequests' | 'listPage' | 'membersOf' | 'searchUsers' | 'listOrgUnits' | 'examine'
  >;
  readonly infraOf: (planeId: string) => InfraProvider;
  readonly random: () => string;
  readonly fleet: AgentListDeps['fleet'];
  /** What can be done to many agents. */
  readonly works: Works;
  readonly look: (userId: string, ctx: Ctx) => Promise<void>;
  readonly secretsOf: CareHandlerDeps['secretsOf'];
  /** Absent where no backups are kept. */
  readonly reprovision?: Pick<Reprovision, 'begin'>;
  readonly care?: CareHandlerDeps['care'];
  /** Whether a channel is there for nobody before an admin has set it up; none is unless said. */
  readonly awaitsAdmin?: ((channel: Channel) => boolean) | undefined;
}

type Input<O extends Operation> = {
  readonly params: z.infer<Contract[O]['params']>;
  readonly query: z.infer<Contract[O]['query']>;
  readonly body: Contract[O] extends { body: infer B extends z.ZodType } ? z.infer<B> : undefined;
  readonly actor: Actor;
  /** Throws `forbidden` when the caller no longer has the role; awaited just before each effect. */
  readonly authorize: () => Promise<void>;
  /** Rows of reach `list` show this part of the company alone; `undefined` is all of it. */
  readonly within: Within;
  /** What the caller saw before this change; checked in the effect's own transaction where there is one. */
  readonly ifMatch: IfMatch;
  /** What keeps a mutation from being had twice when it is sent again; reads have no use for it. */
  readonly sent: Sent;
  readonly ctx: Ctx;
};

/** What a row answers: its JSON, or the lines of what it produces. */
type Answered<O extends Operation> = Contract[O] extends { readonly produces: string } ? AsyncIterable<string> : Answer<O>;
export type Handlers = { readonly [O in Operation]: (input: Input<O>) => Promise<Answered<O>> };

const withoutUndefined = (wishes: Record<string, unknown>): Wishes =>
  Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined));

/** A plane by its id, one that was removed too: what is told about it stays. */
export function findPlane(planes: Planes, planeId: string): Plane {
  const plane = planes.find(planeId);
  if (plane) return plane;
  const here = planes.all().map(({ metadata }) => metadata.name);
  throw new PlaneError('notFound', `cannot find plane ${planeId}; planes here: ${here.join(', ')}`);
}

export function createHandlers(deps: HandlerDeps): Omit<Handlers, 'me'> {
  const { planes, identity, infraOf, store, clock, hashing } = deps;

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
    readUserView(plane, await userOf(userId, ctx), store, hashing, clock.now(), deps.awaitsAdmin);

  const writeWishes = createWishes(deps);

  async function wish(
    planeId: string,
    userKey: string,
    wishes: Wishes,
    { ifMatch, ...call }: Pick<Input<'updateUser'>, 'actor' | 'authorize' | 'ctx' | 'ifMatch' | 'sent'>,
    baseOf: (user: UserIdentity) => Promise<string | undefined>,
  ) {
    const plane = planeOf(planeId);
    const user = await userOf(userKey, call.ctx);
    const listed = plane.spec.agents.some(({ owner }) => owner === user.email);
    if (listed) {
      throw new PlaneError('conflict', `cannot change ${user.email} here: planes.yaml of plane ${planeId} owns this agent; edit it there`);
    }
    if (!planes.active().includes(plane)) {
      throw new PlaneError('conflict', `cannot change ${user.email} here: plane ${planeId} is being removed; create it again first`);
    }
    const check = async (): Promise<void> => requireMatch(ifMatch, await baseOf(user), user.email);
    await writeWishes(planeId, user.id, wishes, { ...call, before: user.fields, unchanged: ifMatch && check });
    return viewUser(plane, user.id, call.ctx);
  }

  const etags = createEtags(hashing);
  /** As the ETag of the agent says it, and as that of the user. */
  const asAgent =
    ({ agentId }: { agentId: string }) =>
    async () =>
      String((await store.get('agents', agentId))?.revision);
  const asUser =
    (planeId: string, ctx: Ctx) =>
    async ({ id }: UserIdentity) =>
      etags.baseOf('getUser', await viewUser(planeOf(planeId), id, ctx));
  /** Looks at the record once more inside the transaction that changes it, which a call that is sent again has once. */
  const expecting = ({ ifMatch, sent }: Pick<Input<'restartAgent'>, 'ifMatch' | 'sent'>, { agentId }: AgentRecord): ChangeDeps => ({
    ...deps,
    store: sent.once('agent'),
    expect: (current) => requireMatch(ifMatch, current && String(current.revision), `agent ${agentId}`),
  });

  return {
    ...createPlaneHandlers(deps),
    ...createDiagnosisHandlers(deps),
    ...createAgentListHandlers({ ...deps, planeOf }),
    async createAgent({ params, body: { ownerEmail, name, ...wishes }, ...call }) {
      const view = await wish(
        params.planeId,
        ownerEmail,
        withoutUndefined({ ...wishes, agentEnabled: true }),
        { ...call, ifMatch: undefined },
        async () => undefined,
      );
      if (name === undefined || !view.agent) return view;
      const named = { ...deps, store: call.sent.once('name') };
      await changeAgent(view.agent.agentId, call.actor, (current) => current && { ...toDraft(current), name }, named);
      return {
        ...view,
        agent: await viewAgent(await agentOf({ planeId: params.planeId, agentId: view.agent.agentId })),
      };
    },
    getAgent: async ({ params }) => viewAgent(await agentOf(params)),
    updateAgent: async ({ params, body, ...call }) =>
      wish(params.planeId, (await agentOf(params)).ownerId, withoutUndefined(body), call, asAgent(params)),
    removeAgent: async ({ params, ...call }) =>
      wish(params.planeId, (await agentOf(params)).ownerId, { agentEnabled: false }, call, asAgent(params)),
    async restartAgent({ params, actor, authorize, ...call }) {
      const agent = await agentOf(params);
      await authorize();
      return viewAgent(await restartAgent(agent, actor, expecting(call, agent)));
    },
    async pauseAgent({ params, body, actor, authorize, ...call }) {
      const agent = await agentOf(params);
      await authorize();
      return viewAgent(await pauseAgent(agent, actor, body.reason, expecting(call, agent)));
    },
    async resumeAgent({ params, actor, authorize, ...call }) {
      const agent = await agentOf(params);
      await authorize();
      return viewAgent(await resumeAgent(agent, actor, expecting(call, agent)));
    },
    async reprovisionAgent({ params, body, actor, authorize, sent }) {
      const agent = await agentOf(params);
      if (!deps.reprovision) {
        throw new PlaneError(
          'conflict',
          `cannot reprovision agent ${agent.agentId}: this plane keeps no backups; set up where they are kept`,
        );
      }
      await authorize();
      await deps.reprovision.begin(agent, actor, body, sent.once('agent'));
      return viewAgent(agent);
    },
    async agentLogs({ params, query, actor, ctx }) {
      const agent = await agentOf(params);
      if (agent.desired === 'removed') {
        throw new PlaneError(
          'conflict',
          `cannot read logs of agent ${agent.agentId}: it was removed (${agent.reason}); its receipt is what is left`,
        );
      }
      await note({ agentId: agent.agentId }, { actor, action: 'agent.logs', target: agent.agentId, detail: { lines: query.lines } }, deps);
      return { lines: [...(await infraOf(agent.planeId).logs(agent.agentId, { lines: query.lines }, ctx))] };
    },
    async agentReceipt({ params }) {
      const agent = await agentOf(params);
      const [receipt] = await store.query('receipts', 'byAgent', { equals: [agent.agentId], reverse: true, limit: 1 });
      if (!receipt) throw new PlaneError('notFound', `cannot find a receipt of agent ${agent.agentId}: it was never removed`);
      return { ...receipt, listings: [...receipt.listings] };
    },
    getUser: ({ params, ctx }) => viewUser(planeOf(params.planeId), params.userKey, ctx),
    updateUser: ({ params, body, ...call }) =>
      wish(params.planeId, params.userKey, withoutUndefined(body), call, asUser(params.planeId, call.ctx)),
    async explainUser({ params: { planeId, userKey }, ctx }) {
      const [plane, user] = [planeOf(planeId), await userOf(userKey, ctx)];
      return toExplanationView(user, (await explainUser(plane, user, store, hashing)).explanation);
    },
    ...createApprovalHandlers(deps),
    ...createPlanHandlers({
      ...deps,
      async wish(planeId, userKey, requests, call) {
        const { id, fields } = await userOf(userKey, call.ctx);
        await writeWishes(planeId, id, requests, { ...call, before: fields });
      },
    }),
    ...createDriftHandlers(deps),
    ...createRequestHandlers(deps),
    ...createGrantHandlers({ ...deps, userOf }),
    ...createOperationHandlers({ ...deps, planeOf, condemn: (planeId, by, within) => condemn(planeId, by, { ...deps, store: within }) }),
    ...createAuditHandlers({ ...deps, planeOf }),
    ...createCostHandlers({ ...deps, planeOf }),
    ...createModelListHandlers({ ...deps, planeOf }),
    ...createDownloadHandlers(deps),
    ...createCareHandlers({ ...deps, agentOf, planeOf, viewAgent }),
  };
}
