import { setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import type { Plane } from '../shared/plane.ts';
import { createAlertHandler } from './budget/alerts.ts';
import type { BackupStore } from './backup/backup-store.ts';
import { createBudget } from './budget/budget.ts';
import { askSidecar } from './core/commands.ts';
import { createCare } from './care/care.ts';
import { createTold } from './care/told.ts';
import { createCredentials, type Credentials } from './core/credentials.ts';
import { createTally, type Tally } from './core/notes.ts';
import { createListings, createParts } from './core/parts.ts';
import { createPass } from './core/pass.ts';
import type { IdentityProvider, Providers } from './core/providers.ts';
import { createRunner, makeDue, type Handler, type Runner, type Wake } from './core/schedule.ts';
import type { Store } from './core/store.ts';
import { canonical, type Clock, type Ctx, type Hashing, type Json, type Log } from './core/surroundings.ts';
import { sweepOrphans } from './core/sweep.ts';
import { createIntake } from './directory/intake.ts';
import { tombstoneOf } from './directory/tombstone.ts';
import { mountAgentDoor } from './http/agent-door.ts';
import { mountApi, type ApiDeps } from './http/api.ts';
import { mountAuditLogPush } from './http/audit-log-push.ts';
import { mountDirectoryPush } from './http/directory-push.ts';
import { mountMail } from './http/mail.ts';
import { mountOwnerPage } from './http/owner-page.ts';
import type { HandOff } from './http/onboarding/channels.ts';
import type { Keys } from './keys.ts';
import type { MailLine } from './mail/mail-config.ts';
import { createMail } from './mail/mail.ts';
import { modelApi, mountModelGateway, type Upstream } from './model/gateway.ts';
import { modelLimits } from './model/models.ts';

export interface PlaneDeps {
  readonly plane: Plane;
  readonly store: Store;
  readonly wake: Wake;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly log: Log;
  readonly keys: Keys;
  readonly identity: IdentityProvider;
  readonly providers: Providers;
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
  /** Puts into the directory what the plane needs there; absent where an admin does it. */
  readonly installer?: { install(ctx: Ctx): Promise<{ readonly done: readonly string[] }> };
  readonly knows?: ApiDeps['knows'];
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

const sweepMs = 60_000;
const dayMs = 24 * 60 * 60_000;

/** Puts one plane together from its providers, store and surroundings. */
export function createPlane(deps: PlaneDeps): RunningPlane {
  const { plane, store, wake, clock, hashing, log, keys, identity, providers, times } = deps;
  const planeId = plane.metadata.name;
  const planes = [plane];
  const requestId = deps.random;
  const credentials = createCredentials({ key: keys.tokenKey, store, clock });
  const change = { store, clock, hashing, wake };
  const tally = createTally({ store, clock, hashing });
  const mail = createMail({
    ...{ store, clock, wake, log, tally, credentials, planeId, publicUrl: deps.publicUrl, line: deps.mail },
    ...{ company: () => deps.company, domain: plane.spec.identity.domain },
  });
  const { mailbox, correspondence } = mail;
  const intake = createIntake({
    ...{ ...change, planes, identity, log, random: deps.random, services: deps.services, ownAccounts: deps.ownAccounts },
    address: `${deps.publicUrl}/events/directory`,
  });
  const listings = createListings(providers, planeId);
  const budget = createBudget({ store, clock, hashing, log, wake, random: deps.random });

  const care = createCare({
    ...{ ...change, plane, log, keys, credentials, tally, random: deps.random },
    ...(deps.backupStore ? { backupStore: deps.backupStore } : {}),
  });

  const { backups } = 'backups' in care ? care : {};

  const pass = createPass({
    ...{ store, clock, hashing, log, wake, listings },
    holder: deps.holder,
    leaseMs: times.leaseMs,
    resyncMs: times.resyncMs,
    lagMs: times.lagMs,
    observeMs: times.effectMs,
    signer: keys.signer,
    partsOf: createParts({
      ...{ providers, store, clock, credentials },
      egress: plane.spec.networking.egressPolicy,
      introduction: correspondence,
      effectMs: times.effectMs,
      waitMs: times.waitMs,
    }),
    restart: (agentId, ctx) => providers.infra.restart(agentId, ctx),
    ...(backups ? { retained: (agent, ctx) => backups.conclude(agent, ctx) } : {}),
  });

  const errands: Readonly<Record<string, (ctx: Ctx) => Promise<number>>> = {
    ...intake.errands,
    ...mail.errands,
    ...care.errands,
    async install(ctx) {
      const { done } = (await deps.installer?.install(ctx)) ?? { done: [] };
      for (const what of done) log.info(`in the directory: ${what}`);
      return dayMs;
    },
    async budgets() {
      await budget.sweep();
      return sweepMs;
    },
    async orphans(ctx) {
      await sweepOrphans(ctx, { ...change, planeId, listings, tombstone: (agentId) => tombstoneOf(plane, agentId) });
      return sweepMs;
    },
  };
  const standing = Object.keys(errands).map((name) => `plane/${name}`);
  const handlers: Record<string, Handler> = {
    ...intake.handlers,
    ...mail.handlers,
    ...care.handlers,
    pass,
    alert: createAlertHandler({
      ...{ store, deliver: (message) => mailbox.deliver(message), from: mail.planeAddress },
      ...(plane.spec.identity.adminEmail === undefined ? {} : { adminEmail: plane.spec.identity.adminEmail }),
    }),
    plane: async (name, signal) => errands[name]?.({ signal, log }),
  };

  /** Makes errands due: all of them, or those that have no row yet. */
  async function makeErrandsDue(onlyNew: boolean): Promise<void> {
    for (const key of standing) {
      const made = await store.transact(async (tx) => {
        const row = await tx.get('schedule', key);
        if (row && onlyNew) return false;
        makeDue(tx, key, row, clock.now());
        return true;
      });
      if (made) wake.wake(key);
    }
  }

  const nap = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal }).catch(() => undefined);
  const app = new Hono();
  app.get('/healthz', (c) => c.json({ ok: true }));
  mountApi(app, {
    ...{ ...change, planes, identity, look: intake.look, log, requestId, tally },
    infraOf: () => providers.infra,
    ...('reprovision' in care ? { reprovision: care.reprovision } : {}),
    callMs: 20_000,
    ...(deps.knows ? { knows: deps.knows } : {}),
  });
  care.mount(app);
  mountDirectoryPush(app, { store, clock, hashing, wake, log, equal: keys.tokenKey.equal, planeIds: [planeId] });
  if (deps.verifyPush) mountAuditLogPush(app, { verify: deps.verifyPush, signal: intake.signal, log });
  mountOwnerPage(app, {
    ...{ store, clock, log, credentials, tally, correspondence, key: keys.tokenKey, random: deps.random },
    ...{ publicUrl: deps.publicUrl, addressOf: mail.addressOf, handOff: deps.handOff ?? {} },
    askWhatsapp: (agent) =>
      askSidecar(agent, 'whatsappLogin', {}, { kind: 'user', id: agent.ownerEmail }, { store, clock, hashing, random: deps.random }),
  });
  mountMail(app, {
    ...{ mailbox, correspondence, log, requestId, notice: mail.notice },
    ...(deps.verifyPush ? { verifyPush: deps.verifyPush } : {}),
  });
  const { timeZone, budget: budgetTerms } = plane.spec;
  mountModelGateway(app, {
    ...{ clock, log, credentials, upstream: deps.upstream, requestId, tally, sleep: nap, budget },
    termsOf: () => ({ timeZone, ...budgetTerms }),
  });
  mountAgentDoor(app, {
    ...{ store, clock, hashing, wake, log, credentials, requestId, tally },
    terms: (agent) => ({
      company: deps.company,
      model: {
        api: modelApi(deps.upstream.maker),
        baseUrl: `${deps.publicUrl}/model${deps.upstream.maker === 'anthropic' ? '' : '/v1'}`,
        id: agent.spec.modelTier,
        ...modelLimits,
      },
    }),
    answered: (agent, message, text) => correspondence.answer(agent, message, text),
    ...createTold({ store, clock, hashing, random: deps.random }),
  });

  /** A planes.yaml that changed is everybody's business: the walk finds whose. */
  async function takeUpPlaneFile(): Promise<void> {
    const digest = hashing.sha256(canonical(JSON.parse(JSON.stringify(plane)) as Json));
    const key = 'plane/walk';
    const moved = await store.transact(async (tx) => {
      const [known, row] = [await tx.get('planeFiles', planeId), await tx.get('schedule', key)];
      if (known?.digest === digest) return false;
      tx.set('planeFiles', planeId, { planeId, digest });
      makeDue(tx, key, row, clock.now());
      return true;
    });
    if (moved) wake.wake(key);
  }

  return {
    app,
    runner: createRunner({ store, clock, log, handlers, runMs: 3 * times.leaseMs }),
    kinds: Object.keys(handlers),
    credentials,
    tally,
    begin: () => makeErrandsDue(false),
    async ensure() {
      await makeErrandsDue(true);
      await takeUpPlaneFile();
    },
    stop: () => mail.stop(),
  };
}
