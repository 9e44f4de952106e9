import type { Hono } from 'hono';
import type { Plane } from '../../shared/plane.ts';
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
import { createDailyBackups } from './daily-backups.ts';
import { createReprovision } from './reprovision.ts';

export interface CareDeps extends ChangeDeps {
  readonly plane: Plane;
  readonly log: Log;
  readonly random: () => string;
  readonly keys: Pick<Keys, 'backupIdentity'>;
  readonly credentials: Credentials;
  readonly tally: Tally;
  /** Without it no backups are made, and no machine is replaced with its memory. */
  readonly backupStore?: BackupStore;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

type Errands = Readonly<Record<string, (ctx: Ctx) => Promise<number>>>;

/** What keeps agents in good order over the years: rotation, backups, fresh machines. */
export function createCare(deps: CareDeps) {
  const { plane, random, log } = deps;
  const planeId = plane.metadata.name;
  const rotation: Errands = {
    async rotation(ctx) {
      const { remaining } = await rotateOld(plane.spec.secrets.rotateAfterDays * dayMs, { ...deps, planeId }, ctx);
      return remaining > 0 ? minuteMs : hourMs;
    },
  };
  if (!deps.backupStore) return { errands: rotation, handlers: {}, mount: () => undefined };

  const encryption = createEncryption(deps.keys.backupIdentity);
  const retentionDaysOf = (): number => plane.spec.backup.retentionDays;
  const backups = createBackups({ ...deps, backupStore: deps.backupStore, encryption, retentionDaysOf });
  const reprovision = createReprovision({ ...deps, backups });
  const daily = createDailyBackups({ ...deps, backups });
  const errands: Errands = {
    ...rotation,
    async backups(ctx) {
      await daily(ctx);
      return hourMs;
    },
    async expiry(ctx) {
      const { more } = await backups.expire([planeId], ctx);
      return more ? 0 : hourMs;
    },
  };
  const handlers: Readonly<Record<string, Handler>> = { care: reprovision.handle };
  return {
    errands,
    handlers,
    backups,
    reprovision,
    mount: (app: Hono): void => mountAgentBackups(app, { ...deps, backups, requestId: random, log }),
  };
}
export type Care = ReturnType<typeof createCare>;
