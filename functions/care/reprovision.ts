import type { Backups } from '../backup/backups.ts';
import { changeAgent, toDraft, type ChangeDeps } from '../core/agents.ts';
import { askSidecar, type CommandDeps } from '../core/commands.ts';
import { PlaneError, toMessage } from '../core/errors.ts';
import { note } from '../core/notes.ts';
import type { Actor, AgentRecord, CareRecord } from '../core/records.ts';
import { makeDue, type Handler } from '../core/schedule.ts';

export interface CareDeps extends ChangeDeps, CommandDeps {
  readonly backups: Pick<Backups, 'begin' | 'latest'>;
}

export const careKey = (agentId: string): string => `care/${agentId}`;

/** How soon a step that waits is looked at again, in milliseconds. */
const pollMs = 1_000;
/** How long a machine that is replaced may take to run, in milliseconds. */
const replacePatienceMs = 20 * 60_000;
/** An agent that was silent for so long cannot make a backup any more, in milliseconds. */
const silentMs = 5 * 60_000;

const actor: Actor = { kind: 'plane', id: 'care' };

/** A fresh machine with the memory and configuration of the old one: backup, replace, restore (REQ-MAINT-03). */
export function createReprovision(deps: CareDeps) {
  const { store, clock, wake, backups } = deps;

  async function begin(agent: AgentRecord, by: Actor, { acceptLoss = false } = {}): Promise<CareRecord> {
    const { agentId, incarnation } = agent;
    const key = careKey(agentId);
    const begun = await store.transact(async (tx) => {
      const [current, running, due] = [await tx.get('agents', agentId), await tx.get('cares', agentId), await tx.get('schedule', key)];
      if (current?.desired !== 'running' || current.incarnation !== incarnation || current.paused) {
        const state = current?.paused ? 'paused; resume it' : 'not to run; switch it on';
        throw new PlaneError('conflict', `cannot reprovision agent ${agentId}: it is ${state} first`);
      }
      if (running?.incarnation === incarnation && running.step !== 'done' && running.step !== 'failed') {
        throw new PlaneError('conflict', `cannot reprovision agent ${agentId}: that is under way, at the step ${running.step}`);
      }
      const now = clock.now();
      const care: CareRecord = { agentId, incarnation, step: 'backup', startedAt: now, stepAt: now, by: by.id, acceptLoss };
      tx.set('cares', agentId, care);
      makeDue(tx, key, due, clock.now());
      return care;
    });
    await note(
      { agentId },
      { actor: by, action: 'agent.reprovision', target: agentId, ...(acceptLoss ? { detail: { acceptLoss } } : {}) },
      deps,
    );
    wake.wake(key);
    return begun;
  }

  /** Writes the next state unless somebody else has moved it on. */
  async function move(from: CareRecord, change: Partial<CareRecord>): Promise<void> {
    const stepAt = change.step === undefined ? from.stepAt : clock.now();
    await store.transact(async (tx) => {
      const current = await tx.get('cares', from.agentId);
      if (current?.step === from.step && current.startedAt === from.startedAt)
        tx.set('cares', from.agentId, { ...current, stepAt, ...change });
    });
    if (change.step === 'done' || change.step === 'failed') {
      const detail = change.failure === undefined ? {} : { detail: change.failure };
      await note({ agentId: from.agentId }, { actor, action: `agent.reprovision ${change.step}`, target: from.agentId, ...detail }, deps);
    }
  }
  const fail = (care: CareRecord, failure: string): Promise<void> => move(care, { step: 'failed', failure });

  async function isSilent({ agentId, incarnation }: AgentRecord): Promise<boolean> {
    const beat = await store.get('heartbeats', agentId);
    return beat?.incarnation !== incarnation || !beat.live || clock.now() - beat.at > silentMs;
  }

  async function backUp(care: CareRecord, agent: AgentRecord): Promise<void> {
    if (care.commandId !== undefined) {
      const command = await store.get('commands', care.commandId);
      if (command?.state === 'waiting') return;
      if (command?.state !== 'done') return fail(care, `the backup failed, nothing was changed: ${command?.result ?? 'no answer'}`);
      return move(care, { step: 'replace', replacements: agent.replacements + 1 });
    }
    if (await isSilent(agent)) {
      // What cannot speak any more comes back as it last was.
      const [last] = await backups.latest(agent.agentId);
      if (!last && !care.acceptLoss) {
        const fact = 'the agent is silent and has no backup';
        return fail(care, `nothing to restore from: ${fact}; restart it, or reprovision with \`acceptLoss\``);
      }
      return move(care, { step: 'replace', replacements: agent.replacements + 1, ...(last ? { backupId: last.id } : {}) });
    }
    const backup = await backups.begin(agent, 'reprovision', actor);
    const command = await askSidecar(agent, 'backup', { backupId: backup.id }, actor, deps);
    return move(care, { backupId: backup.id, commandId: command.id });
  }

  async function replace(care: CareRecord, agent: AgentRecord): Promise<void> {
    const wanted = care.replacements ?? agent.replacements;
    if (agent.replacements < wanted) {
      await changeAgent(agent.agentId, actor, (current) => current && { ...toDraft(current), replacements: wanted }, deps);
      return;
    }
    const [status, beat] = await Promise.all([store.get('statuses', agent.agentId), store.get('heartbeats', agent.agentId)]);
    const fresh = status?.replacements === wanted && beat !== undefined && beat.live && beat.at > care.stepAt && status.phase === 'running';
    if (fresh) return move(care, care.backupId === undefined ? { step: 'done' } : { step: 'restore', commandId: '' });
    if (clock.now() - care.stepAt > replacePatienceMs) {
      return fail(care, `the fresh machine does not run; backup ${care.backupId ?? 'none'} is kept; read its logs and reprovision again`);
    }
  }

  async function restore(care: CareRecord, agent: AgentRecord): Promise<void> {
    if (care.commandId) {
      const command = await store.get('commands', care.commandId);
      if (command?.state === 'waiting') return;
      return command?.state === 'done'
        ? move(care, { step: 'done' })
        : fail(care, `backup ${care.backupId ?? ''} was not restored: ${command?.result ?? 'no answer'}`);
    }
    const command = await askSidecar(agent, 'restore', { backupId: care.backupId ?? '' }, actor, deps);
    return move(care, { commandId: command.id });
  }

  const steps = { backup: backUp, replace, restore } as const;

  const handle: Handler = async (agentId) => {
    const [care, agent] = [await store.get('cares', agentId), await store.get('agents', agentId)];
    if (!care || care.step === 'done' || care.step === 'failed') return undefined;
    if (agent?.desired !== 'running' || agent.incarnation !== care.incarnation) {
      await fail(care, `the agent is ${agent?.reason ?? 'gone'}`);
      return undefined;
    }
    try {
      await steps[care.step](care, agent);
    } catch (error) {
      if (!(error instanceof PlaneError) || error.code !== 'conflict') throw error;
      await fail(care, toMessage(error));
    }
    return pollMs;
  };
  return { begin, handle };
}
export type Reprovision = ReturnType<typeof createReprovision>;
