import type { IdentityProvider, PublishedFields, UserIdentity } from '../core/providers.ts';
import type { AgentRecord, HeartbeatRecord, PublishedRecord, StatusRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Ctx } from '../core/surroundings.ts';

/** `lastHeartbeat` is mirrored at most this often, in milliseconds; a new status is written at once. */
const mirrorMs = 5 * 60_000;

/** A single custom STRING holds at most 500 characters (Directory API, read 2026-11-22). */
const longest = 500;

/** The phase in a word; behind it, in brackets, what an admin should know. */
export function toAgentStatus(agent: AgentRecord, status: StatusRecord | undefined): string {
  const current = status?.incarnation === agent.incarnation ? status : undefined;
  const phase = current?.phase ?? (status && status.phase !== 'removed' ? 'removing' : 'pending');
  const conditions = [...agent.conditions, ...(current?.conditions ?? [])];
  const text = conditions.length === 0 ? phase : `${phase} (${conditions.map(({ type, message }) => `${type}: ${message}`).join('; ')})`;
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

export function toPublished(agent: AgentRecord, status: StatusRecord | undefined, heartbeat: HeartbeatRecord | undefined): PublishedFields {
  const beating = heartbeat?.incarnation === agent.incarnation ? heartbeat : undefined;
  return {
    agentId: agent.agentId,
    agentStatus: toAgentStatus(agent, status),
    lastHeartbeat: beating ? new Date(beating.at).toISOString() : '',
  };
}

export interface PublishDeps {
  readonly identity: Pick<IdentityProvider, 'publish'>;
  readonly store: Store;
  readonly clock: Clock;
}

/** How long a push may take to tell of our own writing, in milliseconds. */
const echoMs = 10_000;

/** Apart from each other those that wait for their share of the quota try again, in milliseconds; a little slower than it refills. */
const spacingMs = { status: 350, heartbeat: 1_100 } as const;

/** Writes an agent's published fields into the directory when they changed; answers when to look again, in milliseconds. */
export function createPublish({ identity, store, clock }: PublishDeps) {
  const lastTurn = { status: -Infinity, heartbeat: -Infinity };
  const turns = new Map<string, number>();

  /** When an agent's turn comes, in milliseconds from now: a thousand that all tried again together would keep the store busy. */
  function takeTurn(agentId: string, kind: keyof typeof lastTurn, waitMs: number): number {
    const now = clock.now();
    lastTurn[kind] = Math.max(lastTurn[kind] + spacingMs[kind], now + waitMs);
    turns.set(agentId, lastTurn[kind]);
    return lastTurn[kind] - now;
  }
  /** How long an agent has to wait for its turn, or for those who came before it; `undefined` when it need not. */
  function waitForTurn(agentId: string, kind: keyof typeof lastTurn): number | undefined {
    const now = clock.now();
    const turn = turns.get(agentId);
    if (turn === undefined) return lastTurn[kind] > now ? takeTurn(agentId, kind, 0) : undefined;
    return turn > now ? turn - now : undefined;
  }

  const blank = (agentId: string): PublishedRecord => ({ agentId, agentStatus: '', lastHeartbeat: '', at: 0, echoes: 0, echoUntil: 0 });

  /** Each write raises one push that says nothing new; `more` is -1 when the write did not happen. */
  async function expectEcho(agentId: string, more: 1 | -1): Promise<void> {
    await store.transact(async (tx) => {
      const last = (await tx.get('published', agentId)) ?? blank(agentId);
      const open = last.echoUntil > clock.now() ? last.echoes : 0;
      tx.set('published', agentId, { ...last, echoes: Math.max(0, open + more), echoUntil: clock.now() + echoMs });
    });
  }

  return async function publish(agentId: string, ctx: Ctx): Promise<number | undefined> {
    const [agent, status, heartbeat, last] = await Promise.all([
      store.get('agents', agentId),
      store.get('statuses', agentId),
      store.get('heartbeats', agentId),
      store.get('published', agentId),
    ]);
    if (!agent) return undefined;
    const fields = toPublished(agent, status, heartbeat);
    const again = status?.phase === 'removed' ? undefined : mirrorMs;
    const sameStatus = last !== undefined && last.at > 0 && last.agentStatus === fields.agentStatus;
    if (sameStatus && last.lastHeartbeat === fields.lastHeartbeat) return again;
    if (sameStatus && last.lastHeartbeat !== '' && clock.now() - last.at < mirrorMs && again !== undefined)
      return last.at + mirrorMs - clock.now();
    const kind = sameStatus ? 'heartbeat' : 'status';
    const aheadMs = waitForTurn(agentId, kind);
    if (aheadMs !== undefined) return aheadMs;
    turns.delete(agentId);
    await expectEcho(agentId, 1);
    try {
      const waitMs = await identity.publish(agent.ownerId, fields, kind, ctx);
      if (waitMs !== undefined) {
        await expectEcho(agentId, -1);
        return takeTurn(agentId, kind, waitMs);
      }
    } catch (error) {
      await expectEcho(agentId, -1);
      throw error;
    }
    await store.transact(async (tx) => {
      const written = (await tx.get('published', agentId)) ?? blank(agentId);
      tx.set('published', agentId, { ...written, ...fields, at: clock.now() });
    });
    return again;
  };
}

/** Whether somebody else wrote over what we last published of a user's agent. */
export const hasDrifted = ({ fields }: Pick<UserIdentity, 'fields'>, published: PublishedRecord | undefined): boolean =>
  published !== undefined &&
  published.at > 0 &&
  (fields['agentId'] !== published.agentId || fields['agentStatus'] !== published.agentStatus);

/** Whether a push only tells of our own writing; each write excuses one push. */
export async function isEcho(agentId: string, { store, clock }: Pick<PublishDeps, 'store' | 'clock'>): Promise<boolean> {
  const seen = await store.get('published', agentId);
  if (!seen || seen.echoes === 0 || seen.echoUntil <= clock.now()) return false;
  return store.transact(async (tx) => {
    const last = await tx.get('published', agentId);
    if (!last || last.echoes === 0 || last.echoUntil <= clock.now()) return false;
    tx.set('published', agentId, { ...last, echoes: last.echoes - 1 });
    return true;
  });
}
