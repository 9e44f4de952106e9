import { tellChanges } from './agent-changes.ts';
import { moveAssignment } from './assignments.ts';
import { agentChain, append, readHead } from './audit.ts';
import type { Fields } from './providers.ts';
import type { Actor, AgentRecord } from './records.ts';
import { makeDue, passKey, publishKey, type Wake } from './schedule.ts';
import type { Reads, Store } from './store.ts';
import { canonical, type Clock, type Hashing } from './surroundings.ts';

export interface ChangeDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly wake: Wake;
  /** Asked about the record inside the transaction that changes it; throws where it is not the one that the caller saw. */
  readonly expect?: (current: AgentRecord | undefined) => void;
}

/** What a caller decides about an agent; revision, incarnation and times follow from it. */
export type AgentDraft = Omit<AgentRecord, 'revision' | 'incarnation' | 'enabledAt' | 'changedAt' | 'removal'>;

export const toDraft = ({ revision: _r, incarnation: _i, enabledAt: _e, changedAt: _c, removal: _m, ...draft }: AgentRecord): AgentDraft =>
  draft;
const toFields = (draft: AgentDraft): Fields => JSON.parse(JSON.stringify(draft)) as Fields;

/** May read more of the transaction, and writes nothing. */
export type Decide = (current: AgentRecord | undefined, tx: Reads) => Promise<AgentDraft | undefined> | AgentDraft | undefined;

/** Who changes an agent, or how to find that out inside the transaction, where there is a change; it writes nothing. */
export type By = Actor | ((current: AgentRecord | undefined, draft: AgentDraft, tx: Reads) => Promise<Actor>);

/**
 * The one way in which an agent's spec changes: decides on the current record, then record, audit row and due time commit
 * together and the pass is woken. `decide` may run more than once; `undefined` or an equal draft changes nothing. `action` names it in the audit log.
 */
export async function changeAgent(
  agentId: string,
  by: By,
  decide: Decide,
  { store, clock, hashing, wake, expect }: ChangeDeps,
  action = 'agent.change',
): Promise<AgentRecord | undefined> {
  const outcome = await store.transact(async (tx) => {
    const current = await tx.get('agents', agentId);
    expect?.(current);
    const draft = await decide(current, tx);
    if (!draft || (current && canonical(toFields(draft)) === canonical(toFields(toDraft(current)))))
      return { record: current, changed: false };
    const actor = typeof by === 'function' ? await by(current, draft, tx) : by;
    const [assignment, due, publish, head] = [
      await tx.get('assignments', agentId),
      await tx.get('schedule', passKey(agentId)),
      await tx.get('schedule', publishKey(agentId)),
      await readHead(tx, agentChain(agentId), draft.planeId),
    ];
    const now = clock.now();
    const back = draft.desired === 'running' && current?.desired !== 'running';
    const left = draft.desired === 'removed' && current?.desired !== 'removed';
    const removal = left ? { askedAt: now, reason: draft.reason } : current?.removal;
    const record: AgentRecord = {
      ...draft,
      revision: (current?.revision ?? 0) + 1,
      incarnation: (current?.incarnation ?? 0) + (back || !current ? 1 : 0),
      enabledAt: back ? now : (current?.enabledAt ?? now),
      secretsRotatedAt: back || draft.secretsVersion !== current?.secretsVersion ? now : draft.secretsRotatedAt,
      changedAt: now,
      ...(removal ? { removal } : {}),
    };
    const changes = tellChanges(current ? toFields(toDraft(current)) : {}, toFields(draft));
    tx.set('agents', agentId, record);
    moveAssignment(tx, agentId, assignment, now);
    append(tx, head, [{ at: now, actor, action, target: agentId, detail: { revision: record.revision, changes } }], hashing);
    makeDue(tx, passKey(agentId), due, now);
    makeDue(tx, publishKey(agentId), publish, now);
    return { record, changed: true };
  });
  if (outcome.changed) for (const key of [passKey(agentId), publishKey(agentId)]) wake.wake(key);
  return outcome.record;
}
