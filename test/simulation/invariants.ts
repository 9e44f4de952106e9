import { verifyReceipt } from '../../functions/core/receipt.ts';
import type { AuditRow, PartName } from '../../functions/core/records.ts';
import type { Documents } from '../../functions/core/store.ts';
import type { Signer } from '../../functions/core/surroundings.ts';
import type { VirtualClock } from './clock.ts';
import { maxLagMs, type Cloud } from './cloud.ts';
import type { EffectWatch, Start } from './provider-ports.ts';
import type { Session } from './session.ts';
import type { CommitWatch, Memory as Store, Write } from './store-port.ts';
import { createWishes } from './wishes.ts';

/** What the invariants remember of one agent beside the store and the cloud. */
interface Memory {
  /** The latest deadline of any effect that was started. */
  effectsUntil: number;
  /** Since its owner lost it: parts whose revocation was attempted, those of them that nothing has opened since, and parts that must be closed. */
  attempted: Set<PartName>;
  revoked: Set<PartName>;
  covered: Set<PartName>;
  /** When each part last came to give access. */
  opened: Map<PartName, number>;
  /** Somebody else put something there after it was removed. */
  strayed: boolean;
}

export interface InvariantDeps {
  readonly clock: VirtualClock;
  readonly cloud: Cloud;
  readonly documents: Store;
  readonly signer: Signer;
  /** When the last fault can no longer delay anything. */
  readonly restlessUntil: () => number;
}

/** How soon revoking starts where nothing goes wrong, in milliseconds. */
const promptMs = 5_000;

const revocable = ['access', 'secrets', 'machine'] as const;
const genesis = { seq: 0, hash: '0'.repeat(64) };
const pick = <C extends Write['collection']>(writes: readonly Write[], collection: C): Documents[C][] =>
  writes.flatMap((write) => (write.collection === collection && write.document !== undefined ? [write.document as Documents[C]] : []));

/** Watches everything that any process does and says the first thing that must not be. */
export function createInvariants({ clock, cloud, documents, signer, restlessUntil }: InvariantDeps) {
  const memories = new Map<string, Memory>();
  const heads = new Map<string, { readonly seq: number; readonly hash: string }>();
  let violation: string | undefined;
  let changed = false;

  const fail = (what: string): void => void (violation ??= `${what} (at ${clock.now()} ms)`);
  const wishes = createWishes({ clock, cloud, documents, restlessUntil, fail });
  const memoryOf = (agentId: string): Memory => {
    let memory = memories.get(agentId);
    if (!memory) {
      memory = { effectsUntil: 0, attempted: new Set(), revoked: new Set(), covered: new Set(), opened: new Map(), strayed: false };
      memories.set(agentId, memory);
    }
    return memory;
  };

  function followAudit(session: Session, row: AuditRow): void {
    const head = heads.get(row.chain) ?? genesis;
    if (row.seq !== head.seq + 1 || row.previous !== head.hash) fail(`8: row ${row.seq} of chain ${row.chain} does not follow ${head.seq}`);
    heads.set(row.chain, { seq: row.seq, hash: row.hash });
    if (row.action.startsWith('effect.start ')) session.open.set(row.target, row.action.slice('effect.start '.length));
    const target = row.chain.slice('agent/'.length);
    const builds = row.action === 'effect.start apply' || row.action === 'effect.start restart';
    if (builds && documents.peek('agents', target)?.desired !== 'running')
      fail(`4: ${row.action} of ${row.target} for ${target} that should be gone`);
    // Until the verb is called: a process that stalls here has not tried.
    if (row.action === 'effect.start revoke') session.refused.add(row.target as PartName);
    if (row.action.startsWith('effect.end ')) session.open.delete(row.target);
  }

  function followLease(session: Session, lease: Documents['leases']): void {
    const held = documents.peek('leases', lease.agentId);
    if (lease.fence !== held?.fence) {
      if (held && held.expiresAt > clock.now()) fail(`3: lease ${held.fence} of ${lease.agentId} was taken while it had time left`);
      session.fence = lease.fence;
    } else if (session.fence !== lease.fence) fail(`3: lease of ${lease.agentId} was written by a pass that does not hold it`);
    if (lease.expiresAt === 0) completed(session, lease.agentId);
  }

  /** A pass ended in good order: what it could revoke must be closed from now on. */
  function completed(session: Session, agentId: string): void {
    const agent = documents.peek('agents', agentId);
    if (agent?.desired !== 'removed' || agent.changedAt > session.startedAt || session.storeRefused) return;
    const memory = memoryOf(agentId);
    for (const part of revocable) {
      if (session.refused.has(part)) continue;
      // A look may be old, so it counts only once it cannot miss an opening; before the first attempt it is no excuse.
      const opened = memory.opened.get(part) ?? 0;
      const old = opened + (memory.attempted.has(part) ? maxLagMs : 0) < session.startedAt;
      if (memory.revoked.has(part) || old) memory.covered.add(part);
    }
  }

  function followStatus(session: Session, status: Documents['statuses'], writes: readonly Write[]): void {
    const { agentId, incarnation } = status;
    if (session.fence === undefined || documents.peek('leases', agentId)?.fence !== session.fence)
      fail(`3: status of ${agentId} was written by a pass whose lease was lost`);
    if (status.phase !== 'removed') return;
    const receipt = pick(writes, 'receipts').find((candidate) => candidate.agentId === agentId);
    const before = documents.peek('statuses', agentId);
    if (before?.phase === 'removed' && before.incarnation === incarnation) return;
    memoryOf(agentId).strayed = false;
    const left = cloud.partsOf(agentId);
    if (left.length > 0) fail(`2: ${agentId} is recorded removed and still has ${left.join(', ')}`);
    if (!receipt || receipt.incarnation !== incarnation) fail(`2: ${agentId} was recorded removed without a receipt`);
  }

  function checkReceipt(receipt: Documents['receipts']): void {
    const { agentId } = receipt;
    const { effectsUntil } = memoryOf(agentId);
    if (!verifyReceipt(receipt, signer)) fail(`2: receipt of ${agentId} does not verify`);
    if (receipt.listings.length < 4) fail(`2: receipt of ${agentId} names ${receipt.listings.length} listings`);
    for (const { what, at } of receipt.listings)
      if (Date.parse(at) <= effectsUntil + maxLagMs)
        fail(`2: receipt of ${agentId} lists ${what} when an effect until ${effectsUntil} may not show yet`);
  }

  function onCommit(session: Session, writes: readonly Write[]): void {
    for (const agent of pick(writes, 'agents')) {
      changed = true;
      wishes.onAgent(session, agent);
      if (agent.desired === documents.peek('agents', agent.agentId)?.desired) continue;
      const { attempted, revoked, covered } = memoryOf(agent.agentId);
      for (const parts of [attempted, revoked, covered]) parts.clear();
    }
    for (const lease of pick(writes, 'leases')) followLease(session, lease);
    for (const status of pick(writes, 'statuses')) followStatus(session, status, writes);
    for (const row of pick(writes, 'audit')) followAudit(session, row);
    for (const receipt of pick(writes, 'receipts')) checkReceipt(receipt);
  }

  function onStart(session: Session, start: Start): void {
    const { name, part, verb, agentId, deadline } = start;
    const memory = memoryOf(agentId);
    const what = `${name} for ${agentId} by ${session.worker.name}`;
    memory.effectsUntil = Math.max(memory.effectsUntil, deadline);
    const lease = documents.peek('leases', agentId);
    if (session.fence === undefined || lease?.fence !== session.fence) fail(`3: ${what} starts without its lease`);
    else if (lease.expiresAt < deadline) fail(`3: ${what} may outlive its lease by ${deadline - lease.expiresAt} ms`);
    if (deadline > (documents.peek('statuses', agentId)?.effectsUntil ?? 0)) fail(`2: ${what} may land later than its status says`);
    // A machine that moves to another region is taken down by an apply, and one that pauses is turned off by one.
    const opened = session.open.get(part);
    const announced = opened !== undefined && (opened === verb || name === 'deprovision' || name === 'freeze');
    if (!announced) fail(`8: ${what} starts without its audit row`);
    wishes.onStart(session, start);
    if (session.looks.get(part) === 'foreign') fail(`owner: ${what} writes what another plane was seen to hold`);
    if (session.looks.get(part) === 'failed' && verb === 'apply') fail(`absence: ${what} takes a failed look for absence`);
    if (verb === 'revoke') {
      session.refused.delete(part);
      for (const parts of [memory.attempted, memory.revoked, session.attempted]) parts.add(part);
    }
    const agent = documents.peek('agents', agentId);
    if (opened !== 'remove' || part !== 'machine' || agent?.desired !== 'removed') return;
    // A machine that was about to be replaced when its owner left goes as it would have gone a moment before.
    if (agent.changedAt >= session.startedAt) return;
    const skipped = cloud.open(agentId).find((open) => open !== 'machine' && !memory.attempted.has(open) && !session.attempted.has(open));
    if (skipped) fail(`4: ${what} removes the machine before revoking ${skipped}`);
  }

  function onLand({ part, verb, agentId }: Start): void {
    if (verb !== 'apply' && verb !== 'restart') return;
    const memory = memoryOf(agentId);
    memory.opened.set(part, clock.now());
    memory.covered.delete(part);
    memory.revoked.delete(part);
  }

  /** What must hold between any two steps. */
  function check(): string | undefined {
    for (const [agentId, agent] of documents.entries('agents')) {
      const status = documents.peek('statuses', agentId);
      const memory = memoryOf(agentId);
      const machines = cloud.machinesOf(agentId).filter(([, { planeId }]) => planeId === agent.planeId);
      if (machines.length > 1) fail(`1: ${agentId} has ${machines.length} machines`);
      if (status?.phase === 'removed' && !memory.strayed) {
        const left = cloud.partsOf(agentId);
        if (left.length > 0) fail(`2: ${agentId} is removed and still has ${left.join(', ')}`);
        if (!documents.peek('receipts', `${agentId}/${status.incarnation}`)) fail(`2: ${agentId} is removed without a receipt`);
      }
      if (agent.desired === 'removed') {
        const open = cloud.open(agentId).find((part) => memory.covered.has(part));
        const calm = agent.changedAt > restlessUntil() && clock.now() > agent.changedAt + promptMs;
        const late = calm && !memory.strayed && cloud.open(agentId).find((part) => !memory.attempted.has(part));
        if (late) fail(`4: ${late} of ${agentId} of a ${agent.reason} owner was not revoked within ${promptMs} ms`);
        if (open && !memory.strayed) fail(`4: ${agentId} of a ${agent.reason} owner still has ${open} after a pass that could revoke it`);
      }
      wishes.check(agent, status);
      const settled = agent.desired === 'removed' && status?.phase === 'removed' && status.incarnation === agent.incarnation;
      if (!settled && !documents.peek('schedule', `pass/${agentId}`)) fail(`9: ${agentId} is not settled and no pass of it is due`);
    }
    return violation;
  }

  return {
    watch: { onCommit, onStart, onLand } satisfies CommitWatch & EffectWatch,
    check,
    fail,
    /** Whether any agent has changed since this was asked, so that tokens must be tried again. */
    refusalsDue: () => {
      const due = changed;
      changed = false;
      return due;
    },
    onVersion: (...report: Parameters<typeof wishes.onVersion>): void => {
      changed = true;
      wishes.onVersion(...report);
    },
    violated: () => violation !== undefined,
    stray: (agentId: string) => void (memoryOf(agentId).strayed = true),
  };
}
export type Invariants = ReturnType<typeof createInvariants>;
