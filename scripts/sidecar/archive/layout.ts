import { posix } from 'node:path';

/*
 * An archive is a tar: `manifest.json`, then `workspace/…` and `state/…`, then `end.json`, whose presence proves that all of it is
 * there. It is packed and unpacked by a process that runs as the agent, so neither can reach what the agent cannot.
 */

export const archiveFormat = 1;
export const parts = ['workspace', 'state'] as const;
export const manifestName = 'manifest.json';
export const endName = 'end.json';

export interface Limits {
  /** All files together, in bytes. */
  readonly bytes: number;
  readonly entries: number;
}
export const limits: Limits = { bytes: 4 * 1024 ** 3, entries: 200_000 };

/** What OpenClaw makes again by itself, and what belongs to this host alone (docs cli/backup.md of 2026.9.6). */
const leftOutOfState = new Set([
  'logs',
  'tmp',
  'cache',
  'caches',
  'npm',
  'npm-runtime',
  'dev',
  'git',
  'tools',
  'plugin-skills',
  'media-cache',
]);
/** Beside what can be made again, what a disk begins with and what a restore has not put in its place yet (unit-swap.ts). */
const leftOutAnywhere = new Set(['node_modules', '.cache', 'lost+found', '.plane-fresh', '.plane-former']);

/** Whether a path below the machine's folder, such as `state/logs`, stays out of archives. */
export function isLeftOut(path: string): boolean {
  const [part, first = ''] = path.split('/');
  const name = posix.basename(path);
  if (leftOutAnywhere.has(name)) return true;
  if (part !== 'state') return false;
  // The config and its copies: the plane writes it.
  if (
    path === `state/${first}` &&
    (leftOutOfState.has(first) || /^openclaw\.json|\.key$/.test(first) || first.endsWith('.update-captures'))
  )
    return true;
  return /\.sqlite-(?:wal|shm|journal)$|\.lock$|\.pid$/.test(name) || /(?:^|\/)agents\/[^/]+\/agent\/(?:.*\/)?\.?tmp$/.test(path);
}

/** A link that stays inside its part of the archive; all others are left out and refused. */
export function isInside(path: string, target: string): boolean {
  if (target === '' || posix.isAbsolute(target)) return false;
  const [part] = path.split('/');
  return posix.normalize(posix.join(posix.dirname(path), target)).startsWith(`${part}/`);
}

/** A name that an archive of ours may hold: below one of its parts, with no step up. */
export function isOwnName(name: string): boolean {
  const [part, ...steps] = name.replace(/\/$/, '').split('/');
  return parts.some((own) => own === part) && steps.every((step) => step !== '' && step !== '.' && step !== '..' && !step.includes('\0'));
}

/** Tables that hold credentials of this one machine, as OpenClaw's own `backup git --exclude-secrets` names them (docs cli/backup.md). */
export const secretTables = [
  'audit_identity_keys',
  'apns_registrations',
  'auth_profile_state',
  'auth_profile_store',
  'channel_ingress_events',
  'channel_pairing_requests',
  'clawhub_promotion_claims',
  'config_revision_keys',
  'device_auth_tokens',
  'device_bootstrap_tokens',
  'device_identities',
  'device_pairing_join_codes',
  'device_pairing_paired',
  'gateway_origin_device_tokens',
  'mcp_oauth_pending_authorizations',
  'mcp_oauth_stores',
  'native_hook_relay_bridges',
  'secret_store_entries',
  'session_suggestions',
  'web_push_subscriptions',
  'worker_environment_credentials',
] as const;
export const secretMachineState = ['authProfiles.', 'nodeHost.', 'webPush.vapidKeys'] as const;
