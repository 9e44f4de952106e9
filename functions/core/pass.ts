import type { Condition, Phase } from '../../shared/agent.ts';
import { toError, toMessage } from './errors.ts';
import { createDriftWatch, driftOf, isLeft, type DriftPolicy } from './drift.ts';
import { acquire, type Lease, type LeaseDeps } from './lease.ts';
import { isOwner, planPart, type Listing, type Observed, type Part } from './part.ts';
import type { AgentRecord, PartName, PartStatus, StatusRecord } from './records.ts';
import { removalPass } from './removal.ts';
import type { Handler } from './schedule.ts';
import { canonical, type Ctx, type Json, type Signer } from './surroundings.ts';

export interface PassDeps extends LeaseDeps {
  readonly signer: Signer;
  /** The parts of an agent in the order in which they come to exist. */
  readonly partsOf: (agent: AgentRecord) => readonly Part[];
  readonly listings: readonly Listing[];
  /** How long a look may take, in milliseconds. */
  readonly observeMs: number;
  /** How old the answer of a look or a listing may be, in milliseconds; 0 where providers always show their own writes. */
  readonly lagMs: number;
  /** How often a healthy agent is looked at without any hint, in milliseconds. */
  readonly resyncMs: number;
  /** What is kept of an agent that is gone, settled before its receipt is signed; safe to repeat. */
  readonly retained?: (agent: AgentRecord, ctx: Ctx) => Promise<{ readonly id: string; readonly expiresAt: number } | undefined>;
  /** What is done about an agent's parts that were found otherwise; all of it is healed unless said. */
  readonly driftPolicyOf?: (agent: AgentRecord) => DriftPolicy;
  /** Asks the agent's machine to start again. */
  readonly restart: (agentId: string, ctx: Ctx) => Promise<void>;
}

/** How soon an agent that another pass holds is tried again, in milliseconds. */
const heldPollMs = 1_000;

export type Observations = Partial<Record<PartName, Observed>>;

export async function observeAll(parts: readonly Part[], ctx: Ctx): Promise<Observations> {
  const seen: Observations = {};
  await Promise.all(
    parts.map(async (part) => {
      seen[part.name] = await part.observe(ctx).catch((error: unknown): Observed => ({ state: 'unknown', error }));
    }),
  );
  return seen;
}

export function toPartStatus(observed: Observed | undefined): PartStatus {
  if (!observed || observed.state === 'absent') return { state: 'absent' };
  if (observed.state === 'unknown') return { state: 'failed', detail: toMessage(observed.error) };
  const detail = observed.detail === undefined ? {} : { detail: observed.detail };
  if (observed.revoked) return { state: 'revoked', ...detail };
  return { state: observed.ready ? 'ready' : 'preparing', ...detail };
}

export const toPartStatuses = (seen: Observations): StatusRecord['parts'] =>
  Object.fromEntries(Object.entries(seen).map(([name, observed]) => [name, toPartStatus(observed)]));

/** The status to record, or `undefined` when nothing that matters has changed. */
export function changedStatus(next: StatusRecord, before: StatusRecord | undefined): StatusRecord | undefined {
  const what = ({ changedAt: _changedAt, effectsUntil: _effectsUntil, ...rest }: StatusRecord): string =>
    canonical(rest as unknown as Json);
  return before && what(before) === what(next) ? undefined : next;
}

interface Progress {
  readonly phase: Phase;
  readonly conditions: readonly Condition[];
  readonly delayMs: number;
  readonly failure?: unknown;
}

interface Step {
  readonly agent: AgentRecord;
  readonly status: StatusRecord;
  readonly lease: Lease;
  readonly seen: Observations;
  readonly looking: () => Ctx;
  readonly drifts: DriftPolicy;
  readonly deps: PassDeps;
}

/** Brings one part one step nearer; `undefined` when it is as it should be. */
async function ensurePart(part: Part, step: Step): Promise<Progress | undefined> {
  const { agent, status, lease, seen, looking, deps } = step;
  const owner = { planeId: agent.planeId, agentId: agent.agentId };
  const wasRunning = status.phase === 'running';
  const standing: Phase = wasRunning ? 'running' : 'provisioning';
  let observed = seen[part.name];
  if (!observed || observed.state === 'unknown') {
    const error = observed?.error;
    const message = `cannot look at ${part.name} of agent ${agent.agentId}: ${toMessage(error)}; it is tried again`;
    return { phase: standing, conditions: [{ type: 'ProviderFailed', message }], delayMs: 0, failure: error };
  }
  const next = planPart(part, observed, owner);
  if (next.verb === 'refuse') {
    const message = `${part.name} is held by agent ${next.owner.agentId} of plane ${next.owner.planeId}; remove it there, or rename this plane`;
    return { phase: standing, conditions: [{ type: 'OwnedByAnother', message }], delayMs: deps.resyncMs };
  }
  const drift = driftOf(part, observed, agent, status.settled, deps.hashing);
  // What is left as it was found keeps no other part from its turn.
  const onlyDrift = observed.state === 'absent' || (next.verb === 'apply' && next.changes.length === drift.length);
  if (onlyDrift && isLeft(part, drift, step.drifts)) return undefined;
  if (next.verb === 'apply' && part.apply) {
    const { apply } = part;
    const { name, provider, effectMs } = part;
    const detail = next.changes.map(({ field, from, to }) => ({ field, from: from ?? null, to }));
    try {
      await lease.effect({ part: name, verb: 'apply', provider, effectMs, detail, run: (effectCtx) => apply(next.changes, effectCtx) });
      observed = await part.observe(looking());
    } catch (error) {
      seen[name] = { state: 'unknown', error };
      return { phase: standing, conditions: [{ type: 'ProviderFailed', message: toMessage(error) }], delayMs: 0, failure: error };
    }
    seen[name] = observed;
  }
  if (observed.state === 'present' && observed.ready) return undefined;
  if (wasRunning && part.name === 'runtime') {
    const silent = observed.state === 'present' && observed.fields['beating'] === false;
    const message = 'the agent has sent no heartbeat for five minutes; restart it, and read its logs if that does not help';
    return { phase: 'running', conditions: silent ? [{ type: 'NoHeartbeat', message }] : [], delayMs: deps.resyncMs };
  }
  const working = agent.paused ? standing : 'provisioning';
  const complaint = observed.state === 'present' ? observed.complaint : undefined;
  const conditions: Condition[] = complaint === undefined ? [] : [{ type: 'ChannelNotReady', message: complaint }];
  return { phase: part.errand === true ? 'running' : working, conditions, delayMs: part.waitMs };
}

/** Brings an agent that should run one step nearer: acts in order until a part is not ready yet. */
async function ensure(step: Step): Promise<Progress> {
  const { agent, deps } = step;
  const parts = deps.partsOf(agent);
  // A machine that is to be off waits for no other part, nor they for it.
  const frozen = agent.paused && parts.find(({ name }) => name === 'machine');
  const first = frozen && (await ensurePart(frozen, step));
  for (const part of parts) {
    if (part === frozen) continue;
    const progress = await ensurePart(part, step);
    if (!progress) continue;
    if (!first) return progress;
    const conditions = [...first.conditions, ...progress.conditions];
    const delayMs = Math.min(first.delayMs, progress.delayMs);
    return { phase: first.phase, conditions, delayMs, failure: first.failure ?? progress.failure };
  }
  return first ?? { phase: agent.paused ? 'paused' : 'running', conditions: [], delayMs: deps.resyncMs };
}

const isReady = (observed: Observed | undefined): boolean => observed?.state === 'present' && observed.ready;

/** Takes a machine away that is to be replaced by a fresh one; nothing to do once it is gone. */
async function replace(
  agent: AgentRecord,
  { replacements, phase }: StatusRecord,
  lease: Lease,
  { machine: seen }: Observations,
  deps: PassDeps,
): Promise<Progress | undefined> {
  if (agent.replacements <= replacements || agent.paused) return undefined;
  const machine = deps.partsOf(agent).find(({ name }) => name === 'machine');
  if (!machine?.remove || seen?.state === 'absent') return undefined;
  const { name, provider, effectMs, waitMs, remove } = machine;
  try {
    if (seen?.state !== 'present') throw toError(seen?.error);
    if (!isOwner(seen.owner, agent)) return undefined;
    await lease.effect({ part: name, verb: 'remove', provider, effectMs, run: remove });
    return { phase: 'provisioning', conditions: [], delayMs: waitMs };
  } catch (error) {
    const message = `cannot replace the machine of agent ${agent.agentId}: ${toMessage(error)}; it is tried again`;
    return { phase, conditions: [{ type: 'ProviderFailed', message }], delayMs: 0, failure: error };
  }
}

async function runningPass(
  agent: AgentRecord,
  status: StatusRecord | undefined,
  lease: Lease,
  signal: AbortSignal,
  deps: PassDeps,
): Promise<number> {
  const { clock, log, holder } = deps;
  const fresh = !status || status.incarnation !== agent.incarnation;
  const before: StatusRecord = fresh
    ? {
        agentId: agent.agentId,
        planeId: agent.planeId,
        phase: 'pending',
        incarnation: agent.incarnation,
        revision: 0,
        parts: {},
        conditions: [],
        effectsUntil: status?.effectsUntil ?? 0,
        restarts: agent.restarts,
        replacements: agent.replacements,
        secretsVersion: 0,
        madeFrom: clock.now(),
        changedAt: clock.now(),
      }
    : status;
  // Each look has its own deadline: effects between two looks take their time.
  const looking = (): Ctx => ({ signal: AbortSignal.any([signal, clock.deadline(deps.observeMs)]), log });
  const seen = await observeAll(deps.partsOf(agent), looking());
  if (fresh) await lease.begin(before);
  const drift = await createDriftWatch(agent, before, seen, deps);
  const replaced = await replace(agent, before, lease, seen, deps);
  let progress = replaced ?? (await ensure({ agent, status: before, lease, seen, looking, drifts: drift.policy, deps }));
  let { restarts } = before;
  if (!replaced && !agent.paused && agent.restarts > restarts && seen.machine?.state === 'present' && isOwner(seen.machine.owner, agent)) {
    const run = (effectCtx: Ctx) => deps.restart(agent.agentId, effectCtx);
    const machine = deps.partsOf(agent).find(({ name }) => name === 'machine');
    const { provider = '', effectMs = deps.observeMs } = machine ?? {};
    try {
      await lease.effect({ part: 'machine', verb: 'restart', provider, effectMs, run });
      restarts = agent.restarts;
    } catch (error) {
      const message = `cannot restart agent ${agent.agentId}: ${toMessage(error)}; it is tried again`;
      progress = { ...progress, conditions: [...progress.conditions, { type: 'ProviderFailed', message }], failure: error };
    }
  }
  const drifted = drift.conclude(seen, replaced !== undefined);
  const { drifted: _drifted, ...kept } = before;
  const next = changedStatus(
    {
      ...kept,
      ...drifted.status,
      phase: progress.phase,
      revision: progress.failure === undefined ? agent.revision : before.revision,
      parts: toPartStatuses(seen),
      conditions: [...progress.conditions, ...drifted.conditions],
      restarts,
      // A paused agent keeps its machine, and the wish for another one.
      replacements: replaced || agent.paused ? before.replacements : agent.replacements,
      secretsVersion: isReady(seen.secrets) ? agent.secretsVersion : before.secretsVersion,
      changedAt: clock.now(),
    },
    fresh ? undefined : status,
  );
  const entry = { at: clock.now(), actor: { kind: 'plane', id: holder } as const, action: 'agent.status', target: agent.agentId };
  const moved = next && next.phase !== before.phase;
  const entries = [...(moved ? [{ ...entry, detail: { from: before.phase, to: next.phase } }] : []), ...drifted.entries];
  await lease.record(next, entries, drifted.also);
  if (progress.failure !== undefined) throw toError(progress.failure);
  return progress.delayMs;
}

/** One level-triggered look at one agent: observe, plan, act, record. Answers when to look again, in milliseconds. */
export function createPass(deps: PassDeps): Handler {
  return async (agentId, signal) => {
    const acquired = await acquire(agentId, signal, deps);
    // The holder is mostly done long before its lease ends, and whoever was suspended meanwhile must not wait for that.
    if ('heldMs' in acquired) return Math.min(acquired.heldMs, heldPollMs);
    const { lease } = acquired;
    const agent = await deps.store.get('agents', agentId);
    const status = await deps.store.get('statuses', agentId);
    if (!agent) {
      await lease.record(undefined, []);
      return undefined;
    }
    const former = status !== undefined && status.incarnation < agent.incarnation && status.phase !== 'removed';
    if (former || agent.desired === 'removed') return removalPass(agent, status, lease, signal, deps);
    return runningPass(agent, status, lease, signal, deps);
  };
}
