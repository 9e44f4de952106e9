import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import type { Channel } from '../shared/agent.ts';
import { createCheckpoints, takeAll } from './audit/checkpoints.ts';
import { createAlertHandler } from './budget/alerts.ts';
import { createBudget } from './budget/budget.ts';
import { askSidecar } from './core/commands.ts';
import { createCare } from './care/care.ts';
import { createTold } from './care/told.ts';
import { createCredentials } from './core/credentials.ts';
import { createTally } from './core/notes.ts';
import { tellRefusals } from './core/refusals.ts';
import { createRunner, makeDue, type Handler } from './core/schedule.ts';
import type { Ctx } from './core/surroundings.ts';
import { sweepOrphans } from './core/sweep.ts';
import { createConfirmation } from './directory/confirmation.ts';
import { createIntake } from './directory/intake.ts';
import { tombstoneOf } from './directory/tombstone.ts';
import { mountAgentDoor } from './http/agent-door.ts';
import { mountAgentSecrets } from './http/agent-secrets.ts';
import { createFleet } from './fleet/fleet.ts';
import { mountApi } from './http/api.ts';
import { createCostReports } from './http/cost.ts';
import { mountDownloads } from './http/downloads.ts';
import { findPlane } from './http/handlers.ts';
import { mountAuditLogPush } from './http/audit-log-push.ts';
import { mountDirectoryPush } from './http/directory-push.ts';
import { mountMail } from './http/mail.ts';
import { awaitsAdmin } from './http/onboarding/channels.ts';
import { mountOwnerPage } from './http/owner-page.ts';
import { createTickets } from './http/tickets.ts';
import { namesOf } from './http/planes.ts';
import { toProblemResponse } from './http/problems.ts';
import { createMail } from './mail/mail.ts';
import { createOperationRunner } from './operations/runner.ts';
import { createWorks } from './operations/works.ts';
import { modelApi, mountModelGateway } from './model/gateway.ts';
import { modelLimits, modelsOf } from './model/models.ts';
import type { PlaneDeps, RunningPlane } from './plane-deps.ts';
import { createPlanePasses } from './plane-passes.ts';
import { createPlaneRemoval } from './plane-removal.ts';
import { forEachPlane } from './planes.ts';

export type { PlaneDeps, RunningPlane } from './plane-deps.ts';

const sweepMs = 60_000;
const dayMs = 24 * 60 * 60_000;

/** How old planes may be for passes, heartbeats and models, and for what the API only shows, in milliseconds. */
const [staleMs, shownMs] = [5_000, 1_000] as const;

/** Puts a deployment of any number of planes together from store, providers and surroundings. */
export function createPlane(deps: PlaneDeps): RunningPlane {
  const { plane, planes, store, wake, clock, hashing, log, keys, identity, times } = deps;
  const planeId = plane.metadata.name;
  const requestId = deps.random;
  const change = { store, clock, hashing, wake };
  const tally = createTally({ store, clock, hashing });
  const confirm = deps.confirm ?? createConfirmation({ store, clock, log });
  const credentials = tellRefusals(createCredentials({ key: keys.tokenKey, store, clock, confirm }), {
    key: keys.tokenKey,
    tally,
    log,
    planeId,
  });
  const isAwaiting = (channel: Channel): boolean => awaitsAdmin(channel, deps.handOff ?? {});
  const mail = createMail({
    ...{ store, clock, wake, log, tally, credentials, planeId, publicUrl: deps.publicUrl, line: deps.mail },
    ...{ company: () => deps.company, domain: plane.spec.identity.domain },
    awaitsAdmin: isAwaiting,
  });
  const { mailbox, correspondence } = mail;
  const intake = createIntake({
    ...{ ...change, planes, identity, log, random: deps.random, services: deps.services, ownAccounts: deps.ownAccounts },
    address: `${deps.publicUrl}/events/directory`,
    breathe: () => setImmediate(),
  });
  const budget = createBudget({ store, clock, hashing, log, wake, random: deps.random });

  const care = createCare({
    ...{ ...change, planes, log, keys, credentials, tally, random: deps.random },
    infraOf: (planeId) => passes.providersOf(planeId).infra,
    ...(deps.backupStore ? { backupStore: deps.backupStore } : {}),
  });

  const { backups } = 'backups' in care ? care : {};

  const passes = createPlanePasses({
    ...{ ...change, log, planes, credentials, makeProviders: deps.makeProviders },
    holder: deps.holder,
    leaseMs: times.leaseMs,
    resyncMs: times.resyncMs,
    lagMs: times.lagMs,
    observeMs: times.effectMs,
    effectMs: times.effectMs,
    waitMs: times.waitMs,
    signer: keys.signer,
    introduction: correspondence,
    ...(backups ? { retained: (agent, ctx) => backups.conclude(agent, ctx) } : {}),
  });

  const checkpoint = createCheckpoints({ store, clock, hashing, signer: keys.signer, sink: deps.auditSink });
  const works = createWorks({ ...change, random: deps.random, care });

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
    orphans: (ctx) =>
      forEachPlane(planes, sweepMs, async (each) => {
        const tombstone = (agentId: string) => tombstoneOf(each, agentId);
        await sweepOrphans(ctx, { ...change, planeId: each.metadata.name, listings: passes.listingsFor(each), tombstone });
        return sweepMs;
      }),
    idempotency: async () => ((await api.clearIdempotency()) ? 0 : 10 * sweepMs),
    removals: createPlaneRemoval({ ...change, planes }),
    async checkpoints({ signal }) {
      await planes.refresh();
      const known = planes.known().map(({ metadata }) => metadata.name);
      await takeAll(known, checkpoint, signal);
      return sweepMs;
    },
  };
  const standing = Object.keys(errands).map((name) => `plane/${name}`);
  const handlers: Record<string, Handler> = {
    ...intake.handlers,
    ...mail.handlers,
    ...care.handlers,
    pass: passes.pass,
    operation: createOperationRunner({ ...change, log, works }),
    alert: createAlertHandler({
      ...{ store, deliver: (message) => mailbox.deliver(message), from: mail.planeAddress },
      adminEmailOf: (id) => planes.find(id)?.spec.identity.adminEmail,
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

  /** Nothing runs before the planes are known. */
  const knowing = ([kind, handle]: [string, Handler]): [string, Handler] => [
    kind,
    async (id, signal) => {
      await planes.refresh(staleMs);
      return handle(id, signal);
    },
  ];

  const nap = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal }).catch(() => undefined);
  const app = new Hono();
  app.get('/healthz', (c) => c.json({ ok: true }));
  app.use('*', async (c, next) => {
    const api = c.req.path.startsWith('/v1/');
    try {
      await planes.refresh(!api ? staleMs : c.req.method === 'GET' ? shownMs : 0);
    } catch (error) {
      return toProblemResponse(error, requestId(), log, { hideFaults: true });
    }
    return next();
  });
  const tickets = createTickets({ store, clock, hashing, key: keys.tokenKey, random: deps.random });
  const reportCosts = createCostReports({ store, clock, planeOf: (planeId) => findPlane(planes, planeId) });
  mountDownloads(app, {
    ...{ tickets, clock, log, requestId, callMs: 20_000, forwardedHops: deps.forwardedHops },
    report: ({ planeId, period, by }, signal) => reportCosts(planeId, { period, by }, signal),
  });
  const api = mountApi(app, {
    ...{ tickets, publicUrl: deps.publicUrl, awaitsAdmin: isAwaiting },
    ...{ ...change, planes, identity, look: intake.look, log, requestId, tally, works },
    infraOf: (id) => passes.providersOf(id).infra,
    ...{
      makeProviders: passes.providersFor,
      offers: deps.offers ?? namesOf(plane),
      maker: deps.upstream.maker,
      domain: plane.spec.identity.domain,
    },
    ...{ keepsBackups: deps.backupStore !== undefined, mailBy: deps.mail?.carrier.name },
    secretsOf: (id) => passes.providersOf(id).secrets,
    ...(care.upgrade ? { reprovision: care.reprovision, care } : {}),
    fleet: createFleet({ store, clock }),
    ...{ checkpoint, signer: keys.signer, publicKeyPem: keys.publicKeyPem },
    callMs: 20_000,
    random: deps.random,
    credentials,
    ...(deps.knows ? { knows: deps.knows } : {}),
    ...(deps.verifyPush ? { verifyWorkload: deps.verifyPush } : {}),
    ...(deps.forwardedHops === undefined ? {} : { forwardedHops: deps.forwardedHops }),
  });
  care.mount(app);
  mountDirectoryPush(app, {
    store,
    clock,
    hashing,
    wake,
    log,
    equal: keys.tokenKey.equal,
    planeIds: () => planes.all().map(({ metadata }) => metadata.name),
  });
  if (deps.verifyPush) mountAuditLogPush(app, { verify: deps.verifyPush, signal: intake.signal, log });
  mountOwnerPage(app, {
    ...{ store, clock, log, credentials, tally, correspondence, key: keys.tokenKey, random: deps.random },
    ...{ publicUrl: deps.publicUrl, addressOf: mail.addressOf, handOff: deps.handOff ?? {}, forwardedHops: deps.forwardedHops },
    askWhatsapp: (agent) =>
      askSidecar(agent, 'whatsappLogin', {}, { kind: 'user', id: agent.ownerEmail }, { store, clock, hashing, random: deps.random }),
  });
  mountMail(app, {
    ...{ mailbox, correspondence, log, requestId, notice: mail.notice },
    ...(deps.verifyPush ? { verifyPush: deps.verifyPush } : {}),
  });
  mountModelGateway(app, {
    ...{ clock, log, credentials, upstream: deps.upstream, requestId, tally, sleep: nap, budget },
    termsOf(agent) {
      const spec = planes.find(agent.planeId)?.spec ?? plane.spec;
      return { timeZone: spec.timeZone, ...spec.budget, models: modelsOf(spec.models, agent.ouPath) };
    },
  });
  mountAgentDoor(app, {
    ...{ store, clock, hashing, wake, log, credentials, requestId, tally, forwardedHops: deps.forwardedHops },
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
  mountAgentSecrets(app, { ...{ clock, log, credentials, tally, requestId }, secretsOf: (id) => passes.providersOf(id).secrets });

  return {
    app,
    runner: createRunner({
      store,
      clock,
      log,
      handlers: Object.fromEntries(Object.entries(handlers).map(knowing)),
      runMs: 3 * times.leaseMs,
    }),
    kinds: Object.keys(handlers),
    credentials,
    tally,
    async begin() {
      await planes.refresh();
      await makeErrandsDue(false);
    },
    async ensure() {
      await planes.refresh();
      await makeErrandsDue(true);
    },
    stop: () => mail.stop(),
  };
}
