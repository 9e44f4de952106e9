import type { CommandKind } from '../../../functions/core/records-care.ts';
import type { Errand } from '../errands.ts';
import { createBackup } from './backup.ts';
import { createIntroduce } from './introduce.ts';
import { createReloadSecrets } from './reload-secrets.ts';
import { createRestore } from './restore.ts';
import type { Scene } from './scene.ts';
import { createUpgrade } from './upgrade.ts';
import { createWhatsappLogin } from './whatsapp-login.ts';

const makers: { readonly [K in CommandKind]: (scene: Scene) => Errand } = {
  backup: createBackup,
  restore: createRestore,
  reloadSecrets: createReloadSecrets,
  introduce: createIntroduce,
  upgrade: createUpgrade,
  whatsappLogin: createWhatsappLogin,
};

const isKind = (kind: string): kind is CommandKind => Object.hasOwn(makers, kind);

/** The errand of a command's kind, or `undefined` when this sidecar knows none. */
export const findErrand = (kind: string, scene: Scene): Errand | undefined => (isKind(kind) ? makers[kind](scene) : undefined);
