import { contract, type Operation } from '../../shared/contract.ts';
import { sessionMs, type Credential, type Credentials } from '../../functions/core/credentials.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import type { Collection } from '../../functions/core/store.ts';
import type { VirtualClock } from './clock.ts';
import type { Doors } from './doors.ts';
import type { Random } from './random.ts';
import type { Memory, Write } from './store-port.ts';
import { planeId } from './wiring.ts';

export interface IntruderDeps {
  readonly clock: VirtualClock;
  readonly documents: Memory;
  readonly credentials: Credentials;
  readonly doors: () => Promise<Doors>;
  readonly tally: { knocks: number };
  readonly fail: (what: string) => void;
}

/** What decides over agents: no call of an agent changes any of it. */
const guarded: readonly Collection[] = [
  ...(['agents', 'planes', 'budgets', 'ledger', 'grants', 'approvals', 'holds', 'plans', 'planChunks'] as const),
  ...(['services', 'groups', 'operations', 'operationLists', 'operationAgents', 'wishes', 'channels'] as const),
  ...(['cares', 'upgrades', 'receipts', 'statuses', 'leases', 'published', 'looks'] as const),
];

const mutating = (Object.keys(contract) as Operation[]).filter((operation) => contract[operation].method !== 'get');

/** What somebody would send who wants more than they have. */
const wishes = { agentEnabled: true, modelTier: 'opus', budgetCap: 200, tools: ['exec'], channels: ['email'] } as const;
const bodies: Partial<Record<Operation, (agent: AgentRecord) => unknown>> = {
  createAgent: ({ ownerEmail }) => ({ ownerEmail, modelTier: 'opus', budgetCap: 200 }),
  updateAgent: () => wishes,
  updateUser: () => wishes,
  pauseAgent: () => ({ reason: 'no more work' }),
  decideApproval: () => ({ decision: 'approve' }),
  decideRequest: () => ({ decision: 'approve' }),
  createPlan: () => ({ change: { kind: 'policies', policies: [{ match: { organization: true }, spec: { agentEnabled: true } }] } }),
  decidePlan: () => ({ decision: 'approve' }),
  healDrift: ({ agentId }) => ({ agentIds: [agentId] }),
  createOperation: () => ({ work: { kind: 'pause' }, select: { all: true } }),
  createDownload: () => ({ report: 'cost', period: 'month', by: 'department' }),
  upgradeAgent: () => ({ version: '2.0.0' }),
};

export const fill = (path: string, names: Readonly<Record<string, string>>): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name] ?? 'x');

/** An agent that was talked into it calls whatever changes something, with every token it could have got hold of. */
export function createIntruder({ clock, documents, credentials, doors, tally, fail }: IntruderDeps) {
  /** The agent whose call is under way. */
  let calling: string | undefined;
  let what = '';

  /** Live ones, and those that were live once or belong elsewhere. */
  function tokenOf({ agentId, incarnation, secretsVersion }: AgentRecord, random: Random): Credential {
    const joins = documents.peek('joins', agentId);
    const boot = joins?.incarnation === incarnation ? joins.count : 0;
    const session = { kind: 'session', agentId, incarnation, extra: clock.now() + sessionMs, boot } as const;
    const dice = random.next();
    if (dice < 0.6) return session;
    if (dice < 0.7) return { kind: 'model', agentId, incarnation, extra: secretsVersion };
    if (dice < 0.75) return { kind: 'gateway', agentId, incarnation, extra: secretsVersion };
    if (dice < 0.8) return { kind: 'link', agentId, incarnation, extra: clock.now() + sessionMs };
    // Never the one that waits: with that one a machine joins by right.
    if (dice < 0.85) return { kind: 'join', agentId, incarnation, extra: boot };
    if (dice < 0.9) return { ...session, extra: clock.now() };
    if (dice < 0.95) return { ...session, incarnation: incarnation + random.pick([-1, 1]) };
    return { ...session, boot: boot - 1 };
  }

  /** What an agent may leave behind: its own reports, what it asks for, and that it was refused. */
  function mayWrite(agentId: string, write: Write): boolean {
    const { collection, id } = write;
    if (collection === 'heartbeats' || collection === 'joins' || collection === 'assignments') return id === agentId;
    if (collection === 'schedule') return id === `pass/${agentId}`;
    if (collection === 'auditHeads' || collection === 'audit')
      return [`agent/${agentId}`, `plane/${planeId}`].some((chain) => id.startsWith(chain));
    return collection === 'requests' && write.document?.agentId === agentId && write.document.state === 'waiting';
  }

  const held = (): Map<string, unknown> =>
    new Map(
      guarded.flatMap((collection) => [...documents.entries(collection)].map(([id, held]) => [`${collection} ${id}`, held] as const)),
    );

  async function knock(agent: AgentRecord, token: string, random: Random): Promise<void> {
    const { agentId, incarnation } = agent;
    const victim = random.pick([...documents.entries('agents')].map(([, record]) => record));
    if (random.chance(0.35)) {
      const secretsVersion = random.pick([`${incarnation}.${agent.secretsVersion}`, '']);
      const beat = {
        version: '0-x',
        live: true,
        ready: true,
        secretsVersion,
        usage: { days: 1, inputTokens: 1, outputTokens: 1, totalTokens: 2 },
      };
      const asked = { tools: ['exec'], channels: ['email'], why: 'my owner needs it' };
      const [path, body] = random.pick([
        ['/agent/heartbeat', beat],
        ['/agent/heartbeat', { ...beat, spec: wishes, budgetCap: 200 }],
        ['/agent/requests', asked],
        ['/agent/requests', { ...asked, state: 'approved', agentId: victim.agentId }],
        ['/agent/join', { token }],
      ] as const);
      what = `POST ${path}`;
      await (await doors()).call('POST', path, token, body);
      return;
    }
    const operation = random.pick(mutating);
    const { method, path } = contract[operation];
    const first = (collection: Collection): string => [...documents.entries(collection)][0]?.[0] ?? 'x';
    const names = {
      ...{ planeId, agentId: victim.agentId, userKey: victim.ownerId || 'user1' },
      ...{ requestId: first('requests'), approvalId: first('approvals'), grantId: first('grants'), planId: first('plans') },
    };
    what = operation;
    const body = bodies[operation]?.(victim) ?? {};
    const { status } = await (await doors()).call(method.toUpperCase(), fill(path, names), token, method === 'delete' ? undefined : body);
    if (status < 400) fail(`7: ${operation} was answered with ${status} to agent ${agentId}`);
  }

  return {
    onCommit(writes: readonly Write[]): void {
      if (calling === undefined) return;
      for (const write of writes)
        if (!mayWrite(calling, write)) fail(`7: ${what} of agent ${calling} writes ${write.collection} ${write.id}`);
    },
    onEffect(effect: string): void {
      if (calling !== undefined) fail(`7: ${what} of agent ${calling} comes to ${effect}`);
    },
    /** One call of one agent, after which all that decides over agents must be what it was. */
    async tryOnce(agentId: string, random: Random): Promise<void> {
      const agent = documents.peek('agents', agentId);
      if (!agent) return;
      tally.knocks += 1;
      await doors();
      const before = held();
      calling = agentId;
      try {
        await knock(agent, credentials.mint(tokenOf(agent, random)), random);
      } finally {
        calling = undefined;
      }
      const after = held();
      // Documents are frozen and replaced as a whole: what is the same object is bytewise what it was.
      for (const key of new Set([...before.keys(), ...after.keys()]))
        if (before.get(key) !== after.get(key)) fail(`7: ${what} of agent ${agentId} changes ${key}`);
    },
  };
}
export type Intruder = ReturnType<typeof createIntruder>;
