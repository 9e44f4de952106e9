import type { BackupView, ErrandView } from '../../shared/contract-care.ts';
import { gatewayTokenName, modelKeyName } from '../../shared/sidecar.ts';
import type { Plane } from '../../shared/plane.ts';
import type { AskedBackups } from '../care/asked-backups.ts';
import type { Upgrade } from '../care/upgrade.ts';
import { PlaneError } from '../core/errors.ts';
import type { SecretsProvider } from '../core/providers.ts';
import type { AgentRecord, BackupRecord, CommandRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import type { Clock } from '../core/surroundings.ts';
import { isTakenUp } from '../core/verbs.ts';
import type { Handlers } from './handlers.ts';
import type { AgentView } from '../../shared/contract.ts';

export interface CareHandlerDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly agentOf: (params: { readonly planeId: string; readonly agentId: string }) => Promise<AgentRecord>;
  readonly planeOf: (planeId: string) => Plane;
  readonly viewAgent: (agent: AgentRecord) => Promise<AgentView>;
  readonly secretsOf: (planeId: string) => Pick<SecretsProvider, 'list'>;
  /** Absent where no backups are kept. */
  readonly care?: { readonly upgrade: Pick<Upgrade, 'begin'>; readonly asked: AskedBackups } | undefined;
}

type CareRow = 'upgradeAgent' | 'listBackups' | 'createBackup' | 'restoreBackup' | 'listSecrets';

const dayMs = 24 * 3_600_000;
const mostListed = 100;

const toTime = (at: number): string => new Date(at).toISOString();

const toBackupView = ({ id, reason, startedAt, finishedAt, bytes, sha256, expiresAt }: BackupRecord): BackupView => ({
  ...{ id, reason, startedAt: toTime(startedAt), finishedAt: finishedAt === undefined ? null : toTime(finishedAt) },
  ...{ bytes: bytes ?? null, sha256: sha256 ?? null, expiresAt: toTime(expiresAt) },
});

const toErrandView = ({ id, kind, state, askedAt, endedAt, result }: CommandRecord): ErrandView => ({
  ...{ id, kind, state, askedAt: toTime(askedAt) },
  ...{ endedAt: endedAt === undefined ? null : toTime(endedAt), result: result ?? null },
});

/** Good order of one agent: versions, backups, and what there is to know of its secrets. */
export function createCareHandlers({ store, clock, agentOf, planeOf, viewAgent, ...deps }: CareHandlerDeps): Pick<Handlers, CareRow> {
  function careFor(verb: string, { agentId }: AgentRecord) {
    if (deps.care) return deps.care;
    throw new PlaneError('conflict', `cannot ${verb} agent ${agentId}: this plane keeps no backups; set up where they are kept`);
  }

  return {
    async upgradeAgent({ params, body, actor, authorize, sent, ctx }) {
      const agent = await agentOf(params);
      const { upgrade } = careFor('upgrade', agent);
      await authorize();
      await upgrade.begin(agent, actor, body, ctx, sent.once('agent'));
      return viewAgent(agent);
    },
    async listBackups({ params }) {
      const agent = await agentOf(params);
      const records = await store.query('backups', 'byAgent', { equals: [agent.agentId], reverse: true, limit: mostListed });
      const errands = (await deps.care?.asked.errands(agent)) ?? [];
      return { backups: records.filter(({ condemned }) => !condemned).map(toBackupView), errands: errands.map(toErrandView) };
    },
    async createBackup({ params, actor, authorize, sent }) {
      const agent = await agentOf(params);
      const { asked } = careFor('back up', agent);
      await authorize();
      return toErrandView(await asked.begin(agent, actor, sent));
    },
    async restoreBackup({ params, actor, authorize, sent }) {
      const agent = await agentOf(params);
      const { asked } = careFor('restore', agent);
      await authorize();
      return toErrandView(await asked.restore(agent, params.backupId, actor, sent));
    },
    async listSecrets({ params, ctx }) {
      const agent = await agentOf(params);
      const { secretsVersion, secretsRotatedAt, enabledAt } = agent;
      const made = agent.desired === 'running' ? await deps.secretsOf(agent.planeId).list(agent.agentId, ctx) : [];
      const heartbeat = await store.get('heartbeats', agent.agentId);
      const takenUp = isTakenUp(agent, heartbeat, clock.now());
      const rotatedAt = secretsRotatedAt > 0 ? secretsRotatedAt : enabledAt;
      const dueAt = rotatedAt + planeOf(agent.planeId).spec.secrets.rotateAfterDays * dayMs;
      // Beside these lie a token that is traded once, and the mark of the version.
      const lasting = made.filter((name) => name === gatewayTokenName || name === modelKeyName).sort();
      const ages = { version: secretsVersion, rotatedAt: toTime(rotatedAt), dueAt: toTime(dueAt), takenUp };
      return { secrets: lasting.map((name) => ({ name, ...ages })) };
    },
  };
}
