import { createCloudTasks } from '../wake/cloud-tasks-stand-in.ts';
import { makeDue } from '../../functions/core/schedule.ts';
import { createCloudTasksWake } from '../../functions/wake/cloud-tasks.ts';
import type { GoogleRequest } from '../../functions/wake/hints.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { closeServers, createHandClock, createHeardLog, createRequest } from '../wake/loopback.ts';
import { discovery, validateAnswer, validateRequest } from './discovery.ts';

const method = 'cloudtasks.projects.locations.queues.tasks.create';
const queue = 'projects/acme-plane/locations/europe-west1/queues/wake';
afterEach(closeServers);

test('what the plane asks of Cloud Tasks, and what our stand-in answers, is in Google’s own words', async () => {
  const api = discovery('cloudtasks.v2');
  const [store, clock, log] = [createMemoryStore(), createHandClock(), createHeardLog()];
  const tasks = await createCloudTasks({ queue, clock, token: () => 'unused' });
  const answers: unknown[] = [];
  const sent: { url: string; method: string; body: object }[] = [];
  const client = createRequest();
  const request: GoogleRequest = async (options) => {
    sent.push({ url: options.url, method: options.method, body: options.data });
    const answer = await client(options);
    answers.push((answer as { readonly data: unknown }).data);
  };
  const target = { url: 'https://reconcile.acme.test/', audience: 'https://reconcile.acme.test/' };
  const serviceAccount = 'reconcile@acme-plane.iam.gserviceaccount.com';
  const wake = createCloudTasksWake({ store, request, queue, ...target, serviceAccount, log, clock, rootUrl: tasks.rootUrl });
  for (const [at, key] of ['pass/a0123456789abcde', 'look/alice@acme.test', `group/${'x'.repeat(300)}@acme.test`].entries()) {
    await store.transact(async (tx) => makeDue(tx, key, undefined, clock.now() + at * 60_000));
    wake.wake(key);
  }
  await wake.flush();
  expect([sent.length, answers.length, log.lines]).toEqual([3, 3, []]);
  for (const { url, body, ...rest } of sent)
    expect(validateRequest(api, { ...rest, path: new URL(url).pathname, body })).toEqual({ methodId: method, problems: [] });
  for (const answer of answers) expect(validateAnswer(api, method, answer)).toEqual([]);
});
