import type { Hono } from 'hono';
import type { BackupStore } from '../backup/backup-store.ts';
import { createBackups } from '../backup/backups.ts';
import { createEncryption } from '../backup/encryption.ts';
import type { ChangeDeps } from '../core/agents.ts';
import type { Credentials } from '../core/credentials.ts';
import type { Tally } from '../core/notes.ts';
import { rotateOld } from '../core/rotation.ts';
import type { Handler } from '../core/schedule.ts';
import type { Ctx, Log } from '../core/surroundings.ts';
import { mountAgentBackups } from '../http/agent-backups.ts';
import type { Keys } from '../keys.ts';
import { forEachPlane, type Planes } from '../planes.ts';
import { createAskedBackups } from './asked-backups.ts';
import { createDailyBackups } from './daily-backups.ts';
import { createReprovision } from './reprovision.ts';
import { createUpgrade, type UpgradeDeps } from './upgrade.ts';

export interface CareDeps extends ChangeDeps {
  readonly planes: Planes;
  readonly log: Log;
  readonly random: () => string;
  readonly keys: Pick<Keys, 'backupIdentity'>;
  readonly credentials: Credentials;
  readonly tally: Tally;
  readonly infraOf: UpgradeDeps['infraOf'];
  /** Without it no backups are made, and no machine is replaced with its memory. */
  readonly backupStore?: BackupStore;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** For an agent whose plane nobody knows any more. */
const usualRetentionDays = 20;

type Errands = Readonly<Record<string, (ctx: Ctx) => Promise<number>>>;

/** What keeps agents in good order over the years: rotation, backups, fresh machines. */
export function createCare(deps: CareDeps) {
  const { planes, random, log } = deps;
  const rotation: Errands = {
    rotation: (ctx) =>
      forEachPlane(planes, hourMs, async ({ metadata, spec }) => {
        const { remaining } = await rotateOld(spec.secrets.rotateAfterDays * dayMs, { ...deps, planeId: metadata.name }, ctx);
        return remaining > 0 ? minuteMs : hourMs;
      }),
  };
  if (!deps.backupStore) return { errands: rotation, handlers: {}, mount: () => undefined };

  const encryption = createEncryption(deps.keys.backupIdentity);
  const retentionDaysOf = (planeId: string): number => planes.find(planeId)?.spec.backup.retentionDays ?? usualRetentionDays;
  const backups = createBackups({ ...deps, backupStore: deps.backupStore, encryption, retentionDaysOf });
  const reprovision = createReprovision({ ...deps, backups });
  const errands: Errands = {
    ...rotation,
    backups: (ctx) =>
      forEachPlane(planes, hourMs, async (plane) => {
        await createDailyBackups({ ...deps, plane, backups })(ctx);
        return hourMs;
      }),
    async expiry(ctx) {
      const { more } = await backups.expire(
        planes.known().map(({ metadata }) => metadata.name),
        ctx,
      );
      return more ? 0 : hourMs;
    },
  };
  const asked = createAskedBackups({ ...deps, backups });
  const versionOf = (planeId: string): string | undefined => planes.find(planeId)?.spec.openclaw.version;
  const upgrade = createUpgrade({ ...deps, backups, versionOf });
  const handlers: Readonly<Record<string, Handler>> = { care: reprovision.handle, upgrade: upgrade.handle };
  return {
    errands,
    handlers,
    backups,
    reprovision,
    upgrade,
    asked,
    mount: (app: Hono): void => mountAgentBackups(app, { ...deps, backups, requestId: random, log }),
  };
}
export type Care = ReturnType<typeof createCare>;
