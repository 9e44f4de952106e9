import type { AgentRecord } from '../../functions/core/records.ts';
import type { Documents } from '../../functions/core/store.ts';
import type { VirtualClock } from './clock.ts';
import { maxLagMs, type Cloud } from './cloud.ts';
import type { Start } from './provider-ports.ts';
import type { Session } from './session.ts';
import type { Memory } from './store-port.ts';

export interface WishDeps {
  readonly clock: VirtualClock;
  readonly cloud: Cloud;
  readonly documents: Memory;
  /** When the last fault can no longer delay anything. */
  readonly restlessUntil: () => number;
  readonly fail: (what: string) => void;
}

/** How long a machine may run on after a pause though nothing goes wrong, in milliseconds: a hint that was lost, and what it waits for. */
const pauseMs = 150_000;

const wants = (agent: AgentRecord | undefined): boolean => agent?.desired === 'running';

/** Watches what becomes of pauses, replacements and rotations and says the first thing that must not be. */
export function createWishes({ clock, cloud, documents, restlessUntil, fail }: WishDeps) {
  /** When a fresh machine was last asked for. */
  const askedAt = new Map<string, number>();

  /** Before a commit is made. */
  function onAgent({ key }: Session, agent: AgentRecord): void {
    const { agentId, incarnation } = agent;
    const before = documents.peek('agents', agentId);
    // Until an incarnation has a status its first machine is still to come, and that one is as fresh as any.
    const begun = documents.peek('statuses', agentId)?.incarnation === incarnation;
    if (begun && agent.replacements > (before?.replacements ?? 0)) askedAt.set(agentId, clock.now());
    const resumed = before?.paused && !agent.paused && wants(agent) && incarnation === before.incarnation;
    if (resumed && key !== 'resume') fail(`paused: ${agentId} was resumed by ${key}`);
    if (!wants(agent) && agent.paused) fail(`paused: ${agent.agentId} is to be removed and paused at once`);
    if (agent.paused && agent.incarnation !== before?.incarnation) fail(`paused: ${agent.agentId} came back and is paused already`);
  }

  function onStart(session: Session, { name, agentId }: Start): void {
    if (name !== 'deprovision') return;
    const agent = documents.peek('agents', agentId);
    const status = documents.peek('statuses', agentId);
    const own = agent && wants(agent) && agent.changedAt < session.startedAt && status?.incarnation === agent.incarnation;
    if (own && agent.paused) fail(`paused: ${name} for ${agentId}, which is paused and keeps its disk`);
  }

  /** A machine reports a version of its secrets and found this model key beside it. */
  function onVersion(agentId: string, incarnation: number, version: number, modelKey = ''): void {
    const [, kind, owner, ofIncarnation, ofVersion] = modelKey.split('.');
    if (kind !== 'model' || owner !== agentId || Number(ofIncarnation) !== incarnation || Number(ofVersion) < version)
      fail(`keys: ${agentId} found version ${incarnation}.${version} and beside it the ${kind} key ${owner} ${ofIncarnation}.${ofVersion}`);
  }

  function checkPause({ agentId, changedAt }: AgentRecord): void {
    if (clock.now() <= Math.max(changedAt, restlessUntil()) + pauseMs) return;
    if (cloud.open(agentId).includes('machine')) fail(`paused: the machine of ${agentId} still runs`);
  }

  function checkReplacement(agent: AgentRecord, status: Documents['statuses']): void {
    const { agentId, replacements } = agent;
    if (status.phase !== 'running' || status.incarnation !== agent.incarnation || status.replacements !== replacements) return;
    const asked = askedAt.get(agentId) ?? 0;
    for (const [name, { planeId, madeAt }] of cloud.machinesOf(agentId))
      if (planeId === agent.planeId && madeAt < asked - maxLagMs) fail(`replacement: ${name} is older than the wish for a fresh machine`);
  }

  return {
    onAgent,
    onStart,
    onVersion,
    /** What must hold between any two steps. */
    check(agent: AgentRecord, status: Documents['statuses'] | undefined): void {
      if (!wants(agent)) return;
      if (agent.paused) checkPause(agent);
      else if (status) checkReplacement(agent, status);
    },
  };
}
