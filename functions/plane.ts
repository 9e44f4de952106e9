import { setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import type { Plane } from '../shared/plane.ts';
import type { AgentDraft } from './core/agents.ts';
import { createCredentials, type Credentials } from './core/credentials.ts';
import { createTally, type Tally } from './core/notes.ts';
import { createListings, createParts } from './core/parts.ts';
import { createPass } from './core/pass.ts';
import type { IdentityProvider, Providers } from './core/providers.ts';
import { createRunner, makeDue, type Handler, type Runner, type Wake } from './core/schedule.ts';
import type { Store } from './core/store.ts';
import type { Clock, Ctx, Hashing, Log } from './core/surroundings.ts';
import { sweepOrphans } from './core/sweep.ts';
import { createLook } from './directory/look.ts';
import { createPublish } from './directory/publish.ts';
import { createFullList, createWatch } from './directory/watch.ts';
import { mountAgentDoor } from './http/agent-door.ts';
import { mountApi, type ApiDeps } from './http/api.ts';
import { mountDirectoryPush } from './http/directory-push.ts';
import { mountMail } from './http/mail.ts';
import { mountOwnerPage } from './http/owner-page.ts';
import type { Keys } from './keys.ts';
import { createCorrespondence } from './mail/correspondence.ts';
import type { Mailbox } from './mail/mailbox.ts';
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
  readonly mailbox: Mailbox;
  readonly upstream: Upstream;
  readonly company: string;
  /** The plane's address as owners, agents and the directory reach it, without a trailing slash. */
  readonly publicUrl: string;
  /** Names this process in leases and audit rows. */
  readonly holder: string;
  readonly knows?: ApiDeps['knows'];
  /** A random text of 128 bits or more. */
  readonly random: () => string;
  /** In milliseconds. */
  readonly times: {
    readonly effectMs: number;
    readonly waitMs: number;
    readonly resyncMs: number;
    readonly leaseMs: number;
    readonly fullListMs: number;
    readonly lagMs: number;
  };
}

export interface RunningPlane {
  readonly app: Hono;
  readonly runner: Runner;
  readonly credentials: Credentials;
  readonly tally: Tally;
  /** Makes the plane's own errands due: push channel, full list, orphan sweep. */
  begin(): Promise<void>;
}

const sweepMs = 60_000;

/** Puts one plane together from its providers, store and surroundings. */
export function createPlane(deps: PlaneDeps): RunningPlane {
  const { plane, store, wake, clock, hashing, log, keys, identity, providers, mailbox, times } = deps;
  const planeId = plane.metadata.name;
  const planes = [plane];
  const requestId = deps.random;
  const credentials = createCredentials({ key: keys.tokenKey, store, clock });
  const change = { store, clock, hashing, wake };
  const tally = createTally({ store, clock, hashing });
  const correspondence = createCorrespondence({
    ...{ mailbox, store, clock, tally, credentials, publicUrl: deps.publicUrl },
    company: () => deps.company,
    mailDomain: `agents.${plane.spec.identity.domain}`,
  });
  const look = createLook({ ...change, identity, planes });
  const listings = createListings(providers, planeId);

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
  });
  const publish = createPublish({ identity, store, clock });
  const watching = { identity, store, clock, wake, log, planes, random: deps.random, address: `${deps.publicUrl}/events/directory` };
  const watch = createWatch(watching);
  const fullList = createFullList(watching);

  function tombstone(agentId: string): AgentDraft {
    const { defaults, region } = plane.spec.infrastructure;
    const nobody = { value: false, origin: 'sweep' } as const;
    return {
      ...{ agentId, planeId, ownerId: '', ownerEmail: '', ownerName: '', ouPath: '/', name: agentId, desired: 'removed' },
      reason: 'found without a record',
      spec: {
        machineType: defaults.machineType,
        diskSizeGb: defaults.diskSizeGb,
        region,
        modelTier: 'sonnet',
        budgetCap: 0,
        tools: [],
        channels: [],
      },
      policy: {
        agentEnabled: nobody,
        modelTier: { value: 'sonnet', origin: 'sweep' },
        budgetCap: { value: 0, origin: 'sweep' },
        tools: { value: [], origin: 'sweep' },
        channels: { value: [], origin: 'sweep' },
        machineType: { value: defaults.machineType, origin: 'sweep' },
      },
      ...{ requests: {}, conditions: [], restarts: 0 },
    };
  }

  const errands: Readonly<Record<string, (ctx: Ctx) => Promise<number>>> = {
    watch,
    async list(ctx) {
      await fullList(ctx);
      return times.fullListMs;
    },
    async orphans(ctx) {
      await sweepOrphans(ctx, { ...change, planeId, listings, tombstone });
      return sweepMs;
    },
  };
  const ctxOf = (signal: AbortSignal): Ctx => ({ signal, log });
  const handlers: Record<string, Handler> = {
    pass,
    publish: (agentId, signal) => publish(agentId, ctxOf(signal)),
    look: (userId, signal) => look(userId, ctxOf(signal)).then(() => undefined),
    plane: async (name, signal) => errands[name]?.(ctxOf(signal)),
  };

  const nap = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal }).catch(() => undefined);
  const app = new Hono();
  app.get('/healthz', (c) => c.json({ ok: true }));
  mountApi(app, {
    ...{ ...change, planes, identity, look, log, requestId, tally },
    infraOf: () => providers.infra,
    callMs: 20_000,
    ...(deps.knows ? { knows: deps.knows } : {}),
  });
  mountDirectoryPush(app, { store, clock, wake, log, equal: keys.tokenKey.equal });
  mountOwnerPage(app, { store, clock, log, credentials, requestId });
  mountMail(app, { mailbox, correspondence, log, requestId });
  mountModelGateway(app, { clock, log, credentials, upstream: deps.upstream, requestId, tally, sleep: nap });
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
    sleep: nap,
  });

  return {
    app,
    runner: createRunner({ store, clock, log, handlers, runMs: 3 * times.leaseMs }),
    credentials,
    tally,
    async begin() {
      for (const name of Object.keys(errands)) {
        const key = `plane/${name}`;
        await store.transact(async (tx) => makeDue(tx, key, await tx.get('schedule', key), clock.now()));
        wake.wake(key);
      }
    },
  };
}
