import { createRunner, makeDue, type Handler } from '../../functions/core/schedule.ts';
import type { Store } from '../../functions/core/store.ts';
import { createWorkloadVerifier } from '../../functions/http/workload-identity.ts';
import { createCloudTasksWake } from '../../functions/wake/cloud-tasks.ts';
import { createReconcile, createSweep } from '../../functions/wake/reconcile.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { createCloudTasks, type CloudTasksOptions } from './cloud-tasks-stand-in.ts';
import { createGoogleSigner } from './google-signer.ts';
import { createHandClock, createHeardLog, createRequest, listen } from './loopback.ts';

export const queue = 'projects/acme-plane/locations/europe-west1/queues/wake';
export const serviceAccount = 'reconcile@acme-plane.iam.gserviceaccount.com';
export const audience = 'https://reconcile.acme.test/';

interface Options extends Partial<Pick<CloudTasksOptions, 'mostAttempts' | 'nameMs'>> {
  readonly store?: Store;
}

/** Store, runner, function `reconcile` and function `sweep`, with a queue between them; time passes by hand. */
export async function openQueuedWorld(handler: Handler, { store = createMemoryStore(), ...limits }: Options = {}) {
  const clock = createHandClock();
  const log = createHeardLog();
  const google = await createGoogleSigner();
  const tasks = await createCloudTasks({ queue, clock, token: google.token, ...limits });
  const runner = createRunner({ store, clock, log, handlers: { pass: handler }, runMs: 1000 });
  const verify = createWorkloadVerifier({ audience, serviceAccounts: [serviceAccount], clock, certsUrl: google.certsUrl, fetch });
  const faults: Error[] = [];
  const url = await listen(async (request) => {
    const fault = faults.shift();
    if (fault) return new Response(fault.message, { status: 500 });
    await verify(request);
    return reconcile(request);
  });
  const base = { store, request: createRequest(), queue, url, serviceAccount, audience, log, clock };
  const wake = createCloudTasksWake({ ...base, rootUrl: tasks.rootUrl });
  const sleep = async (ms: number): Promise<void> => clock.pass(ms);
  const reconcile = createReconcile({ store, runner, wake, clock, sleep, log, kinds: ['pass'], budgetMs: 45_000 });
  const sweep = createSweep({ store, wake, clock, log });
  return {
    store,
    clock,
    log,
    tasks,
    wake,
    base,
    /** Requests that the function answers with 500 instead of looking at them. */
    faults,
    sweep: async () => (await sweep()).json() as Promise<unknown>,
    makeDue: (id: string, inMs = 0) =>
      store.transact(async (tx) => makeDue(tx, `pass/${id}`, await tx.get('schedule', `pass/${id}`), clock.now() + inMs)),
  };
}
