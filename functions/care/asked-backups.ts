import type { Backups } from '../backup/backups.ts';
import { askSidecar, waitingCommands, type CommandDeps } from '../core/commands.ts';
import { PlaneError } from '../core/errors.ts';
import type { Actor, AgentRecord, CommandRecord } from '../core/records.ts';
import type { Sent } from '../core/sent.ts';
import { readIdle } from './one-at-a-time.ts';

export interface AskedBackupsDeps extends CommandDeps {
  readonly backups: Pick<Backups, 'begin' | 'latest'>;
}

const mostListed = 100;

/** Backups that an admin asks for, and what brings them back. */
export function createAskedBackups(deps: AskedBackupsDeps) {
  const { store, backups } = deps;

  const refuse = (verb: string, { agentId }: AgentRecord, fact: string): PlaneError =>
    new PlaneError('conflict', `cannot ${verb} agent ${agentId}: ${fact}`);

  async function refuseBusy(verb: string, agent: AgentRecord): Promise<void> {
    await readIdle(verb, agent, store);
    const waiting = (await waitingCommands(agent, deps)).find(({ kind }) => kind === 'backup' || kind === 'restore');
    if (waiting) throw refuse(verb, agent, `a ${waiting.kind} of it is under way; wait until that has come to an end`);
  }

  return {
    /** Begins a backup. Throws `conflict` where the agent is paused or busy. */
    async begin(agent: AgentRecord, by: Actor, { random }: Pick<Sent, 'random'> = deps): Promise<CommandRecord> {
      const commandId = `c-${random()}`;
      const known = await store.get('commands', commandId);
      if (known) return known;
      await refuseBusy('back up', agent);
      const { id } = await backups.begin(agent, 'asked', by, random());
      return askSidecar(agent, 'backup', { backupId: id }, by, deps, commandId);
    },

    /** Puts a backup of this very agent in the place of what it knows now, also one of an earlier life. */
    async restore(agent: AgentRecord, backupId: string, by: Actor, { random }: Pick<Sent, 'random'> = deps): Promise<CommandRecord> {
      const commandId = `c-${random()}`;
      const known = await store.get('commands', commandId);
      if (known) return known;
      const own = (await backups.latest(agent.agentId)).find(({ id, ownerId }) => id === backupId && ownerId === agent.ownerId);
      if (!own) {
        const fact = `agent ${agent.agentId} has no such backup that is whole and kept`;
        throw new PlaneError('notFound', `cannot restore backup ${backupId}: ${fact}; GET …/agents/${agent.agentId}/backups lists them`);
      }
      await refuseBusy('restore', agent);
      return askSidecar(agent, 'restore', { backupId }, by, deps, commandId);
    },

    /** The commands of an agent that make or use backups, newest first. */
    async errands({ agentId }: Pick<AgentRecord, 'agentId'>): Promise<readonly CommandRecord[]> {
      const commands = await store.query('commands', 'byAgent', { equals: [agentId], reverse: true, limit: mostListed });
      return commands.filter(({ kind }) => kind === 'backup' || kind === 'restore' || kind === 'upgrade');
    },
  };
}
export type AskedBackups = ReturnType<typeof createAskedBackups>;
