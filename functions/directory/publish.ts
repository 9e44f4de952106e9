import type { IdentityProvider, PublishedFields } from '../core/providers.ts';
import type { AgentRecord, HeartbeatRecord, StatusRecord } from '../core/records.ts';
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

/** Writes an agent's published fields into the directory when they changed; answers when to look again, in milliseconds. */
export function createPublish({ identity, store, clock }: PublishDeps) {
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
    const sameStatus = last?.agentStatus === fields.agentStatus;
    if (sameStatus && last.lastHeartbeat === fields.lastHeartbeat) return again;
    if (sameStatus && last.lastHeartbeat !== '' && clock.now() - last.at < mirrorMs && again !== undefined)
      return last.at + mirrorMs - clock.now();
    await identity.publish(agent.ownerId, fields, ctx);
    await store.transact(async (tx) => tx.set('published', agentId, { ...fields, at: clock.now() }));
    return again;
  };
}
