import type { UserIdentity } from '../../functions/core/providers.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import { toAgentId } from '../../shared/agent.ts';
import type { Plane } from '../../shared/plane.ts';
import type { VirtualClock } from './clock.ts';
import type { Cloud } from './cloud.ts';
import type { Company } from './directory-company.ts';
import { shouldRun, switchesKnown } from './directory-oracle.ts';
import type { Session } from './session.ts';
import type { Memory, Write } from './store-port.ts';
import { hashing, planeId } from './wiring.ts';

/** What one run has read and begun. */
interface Run {
  readonly plane: Plane;
  readonly switches: ReadonlyMap<string, boolean>;
  readonly answers: Map<string, UserIdentity | undefined>;
  /** The look at each user that this run has begun. */
  readonly looks: Map<string, number>;
  /** Agents that policy made come or go because of looks that this run asked for. */
  readonly flipped: Set<string>;
}

export interface IntakeInvariantDeps {
  readonly clock: VirtualClock;
  readonly documents: Memory;
  readonly cloud: Cloud;
  readonly company: Company;
  readonly planeNow: () => Plane;
  /** When the last fault but lost signals can no longer delay anything. */
  readonly restlessUntil: () => number;
  readonly mostUnasked: number;
  readonly fail: (what: string) => void;
}

/** Whoever lost their right to an agent is found by then though no signal told of it, in milliseconds. */
const foundMs = 60 * 60_000;

const isLook = (key: string): boolean => /^(look|review|check|refresh)\//.test(key);
/** Asked for by a walk that has not counted what policy would do. */
const leavesPolicy = (key: string): boolean => /^(check|refresh)\//.test(key);

const ownReturn: readonly string[] = ['suspended', 'archived', 'deleted'];

/** Watches what the intake makes of the directory and says the first thing that must not be. */
export function createIntakeInvariants(deps: IntakeInvariantDeps) {
  const { clock, documents, cloud, company, planeNow, restlessUntil, mostUnasked, fail } = deps;
  const runs = new WeakMap<Session, Run>();
  /** Why the next look at each user was asked for: a run that counts what it does, or the user's own signal. */
  const causes = new Map<string, Set<Session | 'own'>>();
  /** Agents that an admin has approved, by approval, until policy has its way with them. */
  const approved = new Set<string>();

  const knownNow = () => switchesKnown(documents.entries('services'));
  function runOf(session: Session): Run {
    let run = runs.get(session);
    if (!run) {
      run = { plane: planeNow(), switches: knownNow(), answers: new Map(), looks: new Map(), flipped: new Set() };
      runs.set(session, run);
    }
    return run;
  }

  function followSchedule(session: Session, write: Extract<Write, { collection: 'schedule' }> | Write): void {
    if (write.collection !== 'schedule' || !isLook(write.id) || write.document === undefined) return;
    const row = write.document as { readonly stamp: number };
    if (documents.peek('schedule', write.id)?.stamp === row.stamp) return;
    // A look that may have been overtaken runs once more, for the reasons it had.
    if (leavesPolicy(session.key)) return;
    const counted = /^(plane\/(walk|rolling)$|group\/|regroup\/)/.test(session.key);
    const reasons = causes.get(write.id) ?? new Set();
    causes.set(write.id, reasons.add(counted ? session : 'own'));
  }

  /** An admin's word covers what waited for it then. */
  function followApproval(write: Write): void {
    if (write.collection !== 'approvals' || (write.document as { state?: string } | undefined)?.state !== 'approved') return;
    if (documents.peek('approvals', write.id)?.state === 'approved') return;
    for (const [agentId, hold] of documents.entries('holds')) if (hold.approvalId === write.id) approved.add(`${agentId} ${hold.to}`);
  }

  function followPolicy(session: Session, agent: AgentRecord): void {
    const what = `${agent.agentId} was ${agent.desired === 'running' ? 'created' : 'removed'} through policy`;
    const hold = documents.peek('holds', agent.agentId);
    const state = hold?.to === agent.desired ? documents.peek('approvals', hold.approvalId)?.state : undefined;
    if (state === 'waiting' || state === 'denied') fail(`held: ${what} while its approval is ${state}`);
    if (leavesPolicy(session.key)) fail(`unasked: ${what} by ${session.key}, which was to leave that to walks`);
    const covered = approved.delete(`${agent.agentId} ${agent.desired}`);
    const reasons = causes.get(session.key);
    if (covered || !reasons || reasons.has('own')) return;
    for (const reason of reasons) {
      if (reason === 'own') continue;
      const { flipped } = runOf(reason);
      flipped.add(agent.agentId);
      if (flipped.size > mostUnasked) fail(`unasked: ${what}, one of ${flipped.size} for which ${reason.key} asked nobody`);
    }
  }

  function followAgent(session: Session, agent: AgentRecord): void {
    const before = documents.peek('agents', agent.agentId);
    const { agentId, ownerId, desired, incarnation } = agent;
    if (agentId !== toAgentId(planeId, ownerId, hashing.sha256)) fail(`owner: ${agentId} is not the agent of ${ownerId}`);
    if (before && before.ownerId !== ownerId) fail(`owner: ${agentId} went from ${before.ownerId} to ${ownerId}`);
    const came = desired === 'running' && before?.desired !== 'running';
    const due = (before?.incarnation ?? 0) + (came || !before ? 1 : 0);
    if (incarnation !== due) fail(`owner: ${agentId} has incarnation ${incarnation} instead of ${due}`);
    const { answers, plane, switches, looks } = runOf(session);
    const byAdmin = session.key === 'pause' || session.key === 'resume';
    if (!byAdmin && looks.get(ownerId) !== documents.peek('looks', ownerId)?.seq)
      fail(`order: ${agentId} was changed by a look though a later one at its owner has begun`);
    if (desired === (before?.desired ?? 'removed')) return;
    if (!answers.has(ownerId)) return fail(`absence: ${agentId} became ${desired} by ${session.key}, which has not read its owner`);
    const user = answers.get(ownerId);
    const allowed = [switches, knownNow()].map((known) => shouldRun(user, plane, known));
    if (!allowed.includes(desired === 'running'))
      fail(`absence: ${agentId} became ${desired} (${agent.reason}), and the directory said otherwise of its owner`);
    const edited = before?.requests.agentEnabled !== agent.requests.agentEnabled;
    const returns = came && before !== undefined && ownReturn.includes(before.reason);
    const listed = came && plane.spec.agents.some(({ owner }) => owner === agent.ownerEmail);
    if (user?.active && !edited && !returns && !listed) followPolicy(session, agent);
  }

  /** A look that ended well has made of the user what it read, unless a later one has begun. */
  function lookEnded(session: Session): void {
    const { answers, looks } = runOf(session);
    for (const [userId, user] of answers) {
      if (user?.active || documents.peek('looks', userId)?.seq !== looks.get(userId)) continue;
      const agentId = toAgentId(planeId, userId, hashing.sha256);
      if (documents.peek('agents', agentId)?.desired === 'running')
        fail(`4: ${agentId} should still run after a look that found its owner ${user?.inactiveBecause ?? 'deleted'}`);
    }
  }

  function onCommit(session: Session, writes: readonly Write[]): void {
    for (const write of writes) {
      followSchedule(session, write);
      followApproval(write);
      if (write.collection === 'looks' && write.document !== undefined)
        runOf(session).looks.set(write.id, (write.document as { readonly seq: number }).seq);
      if (write.collection === 'agents' && write.document !== undefined) followAgent(session, write.document);
      const ended = write.collection === 'schedule' && write.document === undefined && write.id === session.key;
      if (ended && isLook(session.key)) {
        lookEnded(session);
        causes.delete(session.key);
      }
    }
  }

  /** What must hold between any two steps. */
  function check(): void {
    for (const [userId, since] of company.inactiveSince) {
      const agentId = toAgentId(planeId, userId, hashing.sha256);
      const agent = documents.peek('agents', agentId);
      if (!agent || clock.now() <= Math.max(since, restlessUntil()) + foundMs) continue;
      if (agent.desired === 'running') fail(`4: ${agentId} should still run an hour after its owner left`);
      else if (cloud.open(agentId).length > 0) fail(`4: ${agentId} still has ${cloud.open(agentId).join()} an hour after its owner left`);
    }
  }

  return {
    onCommit,
    check,
    onAnswer: (session: Session, userId: string, answer: UserIdentity | undefined): void => void runOf(session).answers.set(userId, answer),
    /** Notes with which plane's file a run works. */
    begin: (session: Session): void => void runOf(session),
  };
}
