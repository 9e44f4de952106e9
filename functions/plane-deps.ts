import type { Hono } from 'hono';
import type { Plane } from '../shared/plane.ts';
import type { AuditSink } from './audit/checkpoints.ts';
import type { BackupStore } from './backup/backup-store.ts';
import type { Credentials, CredentialsDeps } from './core/credentials.ts';
import type { Tally } from './core/notes.ts';
import type { IdentityProvider, Providers } from './core/providers.ts';
import type { Runner, Wake } from './core/schedule.ts';
import type { Store } from './core/store.ts';
import type { Clock, Ctx, Hashing, Log } from './core/surroundings.ts';
import type { ApiDeps } from './http/api.ts';
import type { ProviderNames } from './http/planes.ts';
import type { HandOff } from './http/onboarding/channels.ts';
import type { Keys } from './keys.ts';
import type { MailLine } from './mail/mail-config.ts';
import type { Upstream } from './model/gateway.ts';
import type { Planes } from './planes.ts';

export interface PlaneDeps {
  /** The plane that this deployment was started with: its domain and identity provider are every plane's. */
  readonly plane: Plane;
  readonly planes: Planes;
  readonly store: Store;
  readonly wake: Wake;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly log: Log;
  readonly keys: Keys;
  readonly identity: IdentityProvider;
  /** Throws while nobody knows whether an agent's owner is still there; asks the roll calls unless said. */
  readonly confirm?: CredentialsDeps['confirm'];
  /** Makes the providers that a plane names; throws `invalid` where it names one that is not here. */
  readonly makeProviders: (plane: Plane) => Providers;
  /** The names of the providers that planes of this deployment may choose; those of `plane` unless said. */
  readonly offers?: ProviderNames;
  readonly upstream: Upstream;
  readonly company: string;
  /** How mail leaves the house; absent where the plane's own mailbox is all there is. */
  readonly mail?: MailLine | undefined;
  /** What admins have set up for channels, so that owners are led there. */
  readonly handOff?: HandOff | undefined;
  /** The plane's address as owners, agents and the directory reach it, without a trailing slash. */
  readonly publicUrl: string;
  /** Names this process in leases and audit rows. */
  readonly holder: string;
  /** Names and ids under which the directory's audit log speaks of our service. */
  readonly services: readonly string[];
  /** Accounts under which we write to the directory ourselves. */
  readonly ownAccounts: readonly string[];
  /** Throws unless a push of audit log entries comes from where it should; absent where there are none. */
  readonly verifyPush?: (request: Request) => Promise<unknown>;
  /** Where encrypted backups are kept; without it none are made, and no machine is replaced with its memory. */
  readonly backupStore?: BackupStore;
  /** Where the audit trail goes beside the store; absent where nowhere. */
  readonly auditSink?: AuditSink;
  /** Puts into the directory what the plane needs there; absent where an admin does it. */
  readonly installer?: { install(ctx: Ctx): Promise<{ readonly done: readonly string[] }> };
  readonly knows?: ApiDeps['knows'];
  readonly forwardedHops?: ApiDeps['forwardedHops'];
  /** A random text of 128 bits or more. */
  readonly random: () => string;
  /** In milliseconds. */
  readonly times: {
    readonly effectMs: number;
    readonly waitMs: number;
    readonly resyncMs: number;
    readonly leaseMs: number;
    readonly lagMs: number;
  };
}

export interface RunningPlane {
  readonly app: Hono;
  readonly runner: Runner;
  /** What comes before the slash of the keys that the runner runs. */
  readonly kinds: readonly string[];
  readonly credentials: Credentials;
  readonly tally: Tally;
  /** Makes the plane's own errands due: push channel, walks, polls, orphan sweep. */
  begin(): Promise<void>;
  /** Makes those due that have no row yet; for a sweep of which many may run. */
  ensure(): Promise<void>;
  /** Ends what stays connected: listening for mail. */
  stop(): void;
}
