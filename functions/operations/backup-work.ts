import type { Backups } from '../backup/backups.ts';
import type { ChangeDeps } from '../core/agents.ts';
import { askSidecar, waitingCommands, type CommandDeps } from '../core/commands.ts';
import type { AgentRecord, BackupRecord } from '../core/records.ts';
import { done, failed, running, skipped, type Work } from './work.ts';

export interface BackupWorkDeps extends ChangeDeps, CommandDeps {
  readonly backups: Pick<Backups, 'begin'>;
}

const minuteMs = 60_000;
/** A heartbeat older than this says that nobody is there to make a backup, in milliseconds. */
const silentMs = 5 * minuteMs;
/** How many backups are looked through for the last one that was asked for. */
const mostRead = 20;

/** A backup of each agent, made by its own machine. */
export function createBackupWork({ backups, ...deps }: BackupWorkDeps): Work {
  const { store, clock } = deps;

  async function lastOf({ agentId }: AgentRecord): Promise<BackupRecord | undefined> {
    const records = await store.query('backups', 'byAgent', { equals: [agentId], reverse: true, limit: mostRead });
    return records.find(({ reason }) => reason === 'asked');
  }

  return {
    // A command that waits is given up after an hour.
    patienceMs: 70 * minuteMs,
    before: async (agent) => (await lastOf(agent))?.id ?? '',
    async look(agent, { before }, by) {
      const last = await lastOf(agent);
      const begun = last !== undefined && last.id !== before ? last : undefined;
      if (begun?.finishedAt !== undefined) return done;
      if (agent.paused) return skipped(`it is paused (${agent.paused.reason})`);
      if (!begun) {
        const beat = await store.get('heartbeats', agent.agentId);
        if (beat?.incarnation !== agent.incarnation || !beat.live || clock.now() - beat.at > silentMs)
          return failed('it is silent and cannot make a backup; restart it');
      }
      const { id: backupId } = begun ?? (await backups.begin(agent, 'asked', by));
      const id = `c-backup-${backupId}`;
      const command = await store.get('commands', id);
      if (!command) await askSidecar(agent, 'backup', { backupId }, by, deps, id);
      else if (command.state === 'waiting') await waitingCommands(agent, deps);
      return command?.state === 'failed' ? failed(command.result ?? 'it failed') : running;
    },
  };
}
