import type { Backups } from '../backup/backups.ts';
import type { Reprovision } from '../care/reprovision.ts';
import type { Upgrade } from '../care/upgrade.ts';
import type { CommandDeps } from '../core/commands.ts';
import type { ChangeDeps } from '../core/agents.ts';
import { createBackupWork } from './backup-work.ts';
import { createCareWork, createUpgradeWork, type Steps } from './care-work.ts';
import { createRemovalWork } from './removal-work.ts';
import type { Works } from './runner.ts';
import { createVerbWork } from './verb-work.ts';

const hourMs = 3_600_000;

export interface WorksDeps extends ChangeDeps, CommandDeps {
  /** What is absent from it cannot be done to many either. */
  readonly care: {
    readonly handlers: unknown;
    readonly backups?: Pick<Backups, 'begin'>;
    readonly reprovision?: Pick<Reprovision, 'begin'>;
    readonly upgrade?: Pick<Upgrade, 'begin'>;
  };
}

function reprovisionSteps({ begin }: Pick<Reprovision, 'begin'>, { store }: ChangeDeps): Steps {
  return {
    patienceMs: 4 * hourMs,
    async last({ agentId }) {
      const care = await store.get('cares', agentId);
      return care ? `${care.incarnation} ${care.startedAt}` : '';
    },
    begin: (agent, by, args) => begin(agent, by, { acceptLoss: args['acceptLoss'] === 'true' }),
    async stateOf({ agentId }) {
      const care = await store.get('cares', agentId);
      if (care?.step === 'done') return 'done';
      return care?.step === 'failed' ? { failed: care.failure ?? 'it failed' } : 'running';
    },
  };
}

function upgradeSteps({ begin }: Pick<Upgrade, 'begin'>, { store }: ChangeDeps): Steps {
  return {
    patienceMs: 4 * hourMs,
    async last({ agentId }) {
      const upgrade = await store.get('upgrades', agentId);
      return upgrade ? `${upgrade.incarnation} ${upgrade.startedAt}` : '';
    },
    begin: (agent, by, args) => begin(agent, by, { version: args['version'] }),
    async stateOf({ agentId }) {
      const upgrade = await store.get('upgrades', agentId);
      if (upgrade?.step === 'done') return 'done';
      // One that went back to its former version by itself is as good a reason to halt as one that did not.
      return upgrade?.step === 'failed' || upgrade?.step === 'rolledBack' ? { failed: upgrade.failure ?? 'it failed' } : 'running';
    },
  };
}

/** All that an operation can do to an agent in this deployment. */
export function createWorks({ care, ...deps }: WorksDeps): Works {
  const { store } = deps;
  const { backups, reprovision, upgrade } = care;
  /** The version in force, as the agent itself last said. */
  const versionOf = async ({ agentId, incarnation }: { readonly agentId: string; readonly incarnation: number }) => {
    const beat = await store.get('heartbeats', agentId);
    return beat?.incarnation === incarnation ? beat.openclaw : undefined;
  };
  return {
    ...createVerbWork(deps),
    removePlane: createRemovalWork(store),
    reprovision: reprovision && createCareWork(reprovisionSteps(reprovision, deps)),
    backup: backups && createBackupWork({ ...deps, backups }),
    upgrade: upgrade && createUpgradeWork(upgradeSteps(upgrade, deps), versionOf),
  };
}
