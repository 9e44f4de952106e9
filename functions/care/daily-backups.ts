import type { Plane } from '../../shared/plane.ts';
import type { Backups } from '../backup/backups.ts';
import { askSidecar, waitingCommands, type CommandDeps } from '../core/commands.ts';
import { toMessage } from '../core/errors.ts';
import type { Actor, AgentRecord } from '../core/records.ts';
import type { Ctx } from '../core/surroundings.ts';

export interface DailyBackupsDeps extends CommandDeps {
  readonly plane: Plane;
  readonly backups: Pick<Backups, 'begin' | 'latest'>;
}

const dayMs = 24 * 3_600_000;
const everyMs = { daily: dayMs, weekly: 7 * dayMs, never: Infinity } as const;
/** A heartbeat older than this says that nobody is there to make a backup, in milliseconds. */
const silentMs = 5 * 60_000;

const actor: Actor = { kind: 'plane', id: 'backups' };

/** Asks every agent whose last backup is old enough for another; answers how many it asked. What fails for one keeps nobody else waiting. */
export function createDailyBackups({ plane, backups, ...deps }: DailyBackupsDeps) {
  const { store, clock } = deps;
  const afterMs = everyMs[plane.spec.backup.every];

  async function isDue(agent: AgentRecord): Promise<boolean> {
    if (agent.desired !== 'running' || agent.paused) return false;
    const beat = await store.get('heartbeats', agent.agentId);
    if (beat?.incarnation !== agent.incarnation || !beat.live || clock.now() - beat.at > silentMs) return false;
    const [last] = await backups.latest(agent.agentId);
    if (clock.now() - Math.max(last?.startedAt ?? 0, agent.enabledAt) < afterMs) return false;
    return !(await waitingCommands(agent, deps)).some(({ kind }) => kind === 'backup');
  }

  async function backUp(agent: AgentRecord): Promise<boolean> {
    if (!(await isDue(agent))) return false;
    const backup = await backups.begin(agent, 'daily');
    await askSidecar(agent, 'backup', { backupId: backup.id }, actor, deps);
    return true;
  }

  return async function backUpWhatIsDue(ctx: Ctx): Promise<number> {
    if (afterMs === Infinity) return 0;
    let asked = 0;
    let from = '';
    for (;;) {
      const agents = await store.query('agents', 'byPlane', { equals: [plane.metadata.name], from, limit: 500 });
      for (const agent of agents) {
        ctx.signal.throwIfAborted();
        try {
          if (await backUp(agent)) asked += 1;
        } catch (error) {
          ctx.log.warn(`cannot back up agent ${agent.agentId}: ${toMessage(error)}; it is tried again in the next round`);
        }
      }
      const last = agents.at(-1);
      if (agents.length < 500 || !last) return asked;
      from = `${last.agentId}\u0000`;
    }
  };
}
