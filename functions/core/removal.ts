import type { Condition } from '../../shared/agent.ts';
import { PlaneError, toError, toMessage } from './errors.ts';
import { forget } from './forget.ts';
import type { Effect, Lease } from './lease.ts';
import { planRemoval, type Part } from './part.ts';
import { changedStatus, observeAll, toPartStatuses, type Observations, type PassDeps } from './pass.ts';
import { createReceipt } from './receipt.ts';
import type { AgentRecord, PartName, StatusRecord } from './records.ts';
import { restOfReads } from './secret-reads.ts';
import type { Ctx } from './surroundings.ts';

/** How soon a removal that is not finished is looked at again, in milliseconds: a cloud that takes its time is asked less and less. */
const toPollMs = (sinceMs: number): number => Math.min(Math.max(1_000, Math.trunc(sinceMs / 6)), 5_000);

interface Attempt {
  readonly failures: readonly unknown[];
  /** False when a verb could not even be tried. */
  readonly tried: boolean;
}

/** Revokes at once and removes in turn; a failure never keeps another part from its turn. */
async function attempt(
  names: readonly PartName[],
  verb: 'revoke' | 'remove',
  parts: readonly Part[],
  lease: Lease,
  begin?: StatusRecord,
): Promise<Attempt> {
  const effects = names.flatMap((name): Effect[] => {
    const part = parts.find((candidate) => candidate.name === name);
    const run = part?.[verb];
    return part && run ? [{ part: name, verb, provider: part.provider, effectMs: part.effectMs, run }] : [];
  });
  if (begin && effects.length === 0) await lease.begin(begin);
  const groups = verb === 'revoke' && effects.length > 0 ? [effects] : effects.map((effect) => [effect]);
  const failures: unknown[] = [];
  let tried = true;
  for (const group of groups) {
    let begun = false;
    const noting = group.map((effect) => ({
      ...effect,
      run(ctx: Ctx) {
        begun = true;
        return effect.run(ctx);
      },
    }));
    try {
      failures.push(...(await lease.effects(noting, begin)));
    } catch (error) {
      failures.push(error);
    }
    tried &&= begun;
  }
  return { failures, tried };
}

/** Lists every provider; answers what is still there and when each was asked, or throws when one could not be asked. */
async function listAll(agent: AgentRecord, signal: AbortSignal, { clock, log, listings, observeMs }: PassDeps) {
  const ctx = { signal: AbortSignal.any([signal, clock.deadline(observeMs)]), log };
  return Promise.all(
    listings.map(async ({ what, provider, list }) => {
      const at = clock.now();
      const found = await list(ctx).catch((cause: unknown) => {
        const code = cause instanceof PlaneError ? cause.code : 'unavailable';
        const message = `cannot list ${what} of ${provider} for the removal of agent ${agent.agentId}: ${toMessage(cause)}; it is tried again`;
        throw new PlaneError(code, message, { cause });
      });
      return {
        what,
        provider,
        at,
        found: found.filter(({ planeId, agentId }) => planeId === agent.planeId && agentId === agent.agentId).length,
      };
    }),
  );
}

type Removal = NonNullable<StatusRecord['removal']>;

const toRemoval = ({ removal, reason }: AgentRecord, now: number): Removal => ({
  startedAt: removal?.askedAt ?? now,
  reason: removal?.reason ?? reason,
});

const revokedAll = (seen: Observations, agent: AgentRecord): boolean => planRemoval(seen, agent).revoke.length === 0;

/**
 * Takes an agent away: revokes first, then removes, then lists every provider, and signs a receipt once a listing that was
 * made after the last effect could no longer land shows nothing. Answers when to look again, in milliseconds.
 */
export async function removalPass(
  agent: AgentRecord,
  status: StatusRecord | undefined,
  lease: Lease,
  signal: AbortSignal,
  deps: PassDeps,
): Promise<number | undefined> {
  const { clock, store, log, holder } = deps;
  const now = clock.now();
  const actor = { kind: 'plane', id: holder } as const;
  // Being paused says how an agent should be and nothing of one that goes.
  const { paused: _paused, ...going } = agent;
  const parts = deps.partsOf(going).filter(({ errand, remove }) => !errand && remove);
  const looking = (): Ctx => ({ signal: AbortSignal.any([signal, clock.deadline(deps.observeMs)]), log });
  const seen = await observeAll(parts, looking());
  const settled = status?.phase === 'removed' && status.incarnation === agent.incarnation;
  if (settled && planRemoval(seen, agent).remove.length === 0) {
    await lease.record(undefined, []);
    return undefined;
  }

  // The status of an incarnation that is gone says nothing about this one but until when its effects may land.
  const own = status?.phase === 'removed' ? undefined : status;
  const removal: Removal = own?.removal ?? (settled ? { startedAt: now, reason: 'found again after removal' } : toRemoval(agent, now));
  const before: StatusRecord = {
    agentId: agent.agentId,
    planeId: agent.planeId,
    incarnation: agent.incarnation,
    revision: agent.revision,
    parts: {},
    conditions: [],
    restarts: agent.restarts,
    replacements: agent.replacements,
    secretsVersion: agent.secretsVersion,
    ...own,
    effectsUntil: status?.effectsUntil ?? 0,
    changedAt: now,
    phase: 'removing',
    removal,
  };
  const plan = planRemoval(seen, agent, removal.revokedAt === undefined);
  const fresh = status?.phase !== 'removing';
  const revoked = await attempt(plan.revoke, 'revoke', parts, lease, fresh ? before : undefined);
  const closedAt = clock.now();
  // A provider that refuses to revoke never keeps the machine alive, but what was not even tried comes before it.
  // Of many at once, everybody's access ends before anybody's machine goes: what was revoked in full comes back for the rest.
  const later = own === undefined && revoked.tried && revoked.failures.length === 0 && plan.remove.length > 0;
  const removed = revoked.tried && !later ? await attempt(plan.remove, 'remove', parts, lease) : undefined;
  const failures = [...revoked.failures, ...(removed?.failures ?? [])];

  const removalPollMs = later ? 0 : toPollMs(now - removal.startedAt);
  const after = plan.remove.length === 0 ? seen : await observeAll(parts, looking());
  const revokedAt = removal.revokedAt ?? (revokedAll(after, agent) ? (failures.length === 0 ? closedAt : clock.now()) : undefined);
  const conditions: Condition[] = failures.map((error) => ({ type: 'ProviderFailed', message: toMessage(error) }));
  const next: StatusRecord = {
    ...before,
    parts: toPartStatuses(after),
    conditions,
    removal: { ...removal, ...(revokedAt === undefined ? {} : { revokedAt }) },
    changedAt: clock.now(),
  };
  const waitFor = async (delayMs: number): Promise<number> => {
    await lease.record(changedStatus(next, status), []);
    if (failures.length > 0) throw toError(failures[0]);
    return delayMs;
  };
  const stop = (error: unknown): Promise<number> => {
    failures.push(error);
    conditions.push({ type: 'ProviderFailed', message: toMessage(error) });
    return waitFor(removalPollMs);
  };

  if (planRemoval(after, agent).remove.length > 0) return waitFor(removalPollMs);
  const effectsUntil = (await store.get('statuses', agent.agentId))?.effectsUntil ?? 0;
  const provenFrom = effectsUntil + deps.lagMs + 1;
  if (clock.now() < provenFrom) return waitFor(provenFrom - clock.now());
  let listings: Awaited<ReturnType<typeof listAll>>;
  try {
    listings = await listAll(agent, signal, deps);
  } catch (error) {
    return stop(error);
  }
  if (listings.some(({ found }) => found > 0)) return waitFor(removalPollMs);

  let kept: Awaited<ReturnType<NonNullable<PassDeps['retained']>>>;
  try {
    kept = await deps.retained?.(agent, looking());
  } catch (cause) {
    const code = cause instanceof PlaneError ? cause.code : 'unavailable';
    return stop(
      new PlaneError(code, `cannot settle the last backup of agent ${agent.agentId}: ${toMessage(cause)}; it is tried again`, { cause }),
    );
  }
  if (!(await forget(agent.agentId, next.incarnation, signal, store))) return waitFor(0);
  const [care, upgrade] = [await store.get('cares', agent.agentId), await store.get('upgrades', agent.agentId)];
  const heartbeat = await store.get('heartbeats', agent.agentId);
  const receiptId = `${agent.agentId}/${next.incarnation}`;
  const earlier = await store.get('receipts', receiptId);
  const removedAt = clock.now();
  const detail = { incarnation: next.incarnation, reason: removal.reason };
  await lease.record(
    { ...next, phase: 'removed', parts: {} },
    [
      ...(heartbeat ? restOfReads(heartbeat, removedAt) : []),
      { at: removedAt, actor, action: 'agent.removed', target: agent.agentId, detail },
    ],
    (tx, head) => {
      if (care && care.incarnation <= next.incarnation) tx.delete('cares', agent.agentId);
      if (upgrade && upgrade.incarnation <= next.incarnation) tx.delete('upgrades', agent.agentId);
      const times = { madeFrom: before.madeFrom, requestedAt: removal.startedAt, revokedAt: revokedAt ?? removedAt, removedAt };
      const receipt = createReceipt(agent, next.incarnation, removal.reason, times, listings, head, deps.signer, kept);
      for (const collection of ['heartbeats', 'joins', 'introductions', 'assignments'] as const) tx.delete(collection, agent.agentId);
      tx.set('receipts', earlier ? `${receiptId}/${head.seq}` : receiptId, receipt);
    },
  );
  return next.incarnation === agent.incarnation ? undefined : 0;
}
