import { createRunner, makeDue } from '../../functions/core/schedule.ts';
import { systemClock } from '../../functions/keys.ts';
import type { GoogleRequest } from '../../functions/wake/hints.ts';
import { createPubSubWake } from '../../functions/wake/pubsub.ts';
import { createReconcile, createSweep } from '../../functions/wake/reconcile.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { closeServers, createHeardLog, createRequest, listen } from '../wake/loopback.ts';
import { discovery, validateRequest } from './discovery.ts';
import { startPubSub, type Emulator } from './emulators.ts';

const startMs = 120_000;
const deliveryMs = 60_000;
let emulator: Emulator;
beforeAll(async () => void (emulator = await startPubSub()), startMs);
afterAll(() => emulator.stop());
afterEach(closeServers);

const soon = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + deliveryMs; !(await holds()); await soon(50)) {
    if (Date.now() > end) throw new Error('it did not come to hold');
  }
}

async function ask(method: 'PUT' | 'POST', path: string, body: object): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`http://${emulator.host}/v1/${path}`, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

interface Fault {
  /** Whether the function looks at the push before its answer is lost. */
  readonly looks: boolean;
}

/** Topic, push subscription with a dead-letter topic, and the two functions; each project of its own. */
async function openPlane(project: string) {
  const [store, log, clock] = [createMemoryStore(), createHeardLog(), systemClock];
  const [ran, pushes]: [string[], string[]] = [[], []];
  const sent: { url: string; method: string; body: object }[] = [];
  const client = createRequest();
  const request: GoogleRequest = (options) => {
    sent.push({ url: options.url, method: options.method, body: options.data });
    return client(options);
  };
  const topic = `projects/${project}/topics/wake`;
  const wake = createPubSubWake({ store, request, topic, leadMs: 3_000, log, clock, rootUrl: `http://${emulator.host}/` });
  const handlers = { pass: async (id: string) => void ran.push(id) };
  const runner = createRunner({ store, clock, log, handlers, runMs: 1000 });
  const reconcile = createReconcile({ store, runner, wake, clock, sleep: soon, log, kinds: ['pass'], budgetMs: 5_000 });
  const sweep = createSweep({ store, wake, clock, log });
  const faults: Fault[] = [];
  const pushEndpoint = await listen(async (incoming) => {
    const { message } = (await incoming.clone().json()) as { message: { attributes: { key: string } } };
    pushes.push(message.attributes.key);
    const fault = faults.shift();
    if (!fault || fault.looks) await reconcile(incoming);
    return new Response(null, { status: fault ? 500 : 204 });
  });
  const dead = { topic: `projects/${project}/topics/dead`, subscription: `projects/${project}/subscriptions/dead` };
  await ask('PUT', topic, {});
  await ask('PUT', dead.topic, {});
  await ask('PUT', dead.subscription, { topic: dead.topic });
  await ask('PUT', `projects/${project}/subscriptions/reconcile`, {
    topic,
    ackDeadlineSeconds: 120,
    pushConfig: { pushEndpoint: `${pushEndpoint}/` },
    deadLetterPolicy: { deadLetterTopic: dead.topic, maxDeliveryAttempts: 5 },
    retryPolicy: { minimumBackoff: '0s', maximumBackoff: '1s' },
  });
  const deadLetters = async (): Promise<number> => {
    const answer = await ask('POST', `${dead.subscription}:pull`, { maxMessages: 10, returnImmediately: true });
    return (answer as { readonly receivedMessages?: readonly unknown[] }).receivedMessages?.length ?? 0;
  };
  const due = (id: string, inMs = 0) => store.transact(async (tx) => makeDue(tx, `pass/${id}`, undefined, clock.now() + inMs));
  return { store, log, wake, sweep, due, ran, pushes, faults, sent, deadLetters };
}

describe('Pub/Sub, as Google’s emulator has it', () => {
  it(
    'brings every hint to the function, waiting for what is due in a moment',
    async () => {
      const { wake, due, ran, store, log, sent } = await openPlane('acme-one');
      const ids = Array.from({ length: 40 }, (_none, at) => String(at));
      for (const id of ids) {
        await due(id, id === '7' ? 1_500 : 0);
        wake.wake(`pass/${id}`);
      }
      await wake.flush();
      await until(() => ran.length >= ids.length);
      expect(new Set(ran)).toEqual(new Set(ids));
      expect(ran.at(-1)).toBe('7');
      await until(async () => (await store.get('schedule', 'pass/7')) === undefined);
      expect(log.lines).toEqual([]);
      const api = discovery('pubsub.v1');
      for (const { url, body, ...rest } of sent)
        expect(validateRequest(api, { ...rest, path: new URL(url).pathname, body })).toEqual({
          methodId: 'pubsub.projects.topics.publish',
          problems: [],
        });
    },
    deliveryMs,
  );

  it(
    'brings a hint again whose answer was 500, and the doubled one runs nothing twice',
    async () => {
      const { wake, due, ran, pushes, faults } = await openPlane('acme-two');
      faults.push({ looks: false }, { looks: true }, { looks: true });
      await due('a');
      wake.wake('pass/a');
      await wake.flush();
      await until(() => pushes.length === 4);
      expect(ran).toEqual(['a']);
    },
    deliveryMs,
  );

  it(
    'gives a hint up to the dead letters after five refusals, and the sweep finds its key',
    async () => {
      const { wake, due, ran, pushes, faults, sweep, deadLetters, store } = await openPlane('acme-three');
      faults.push(...Array.from({ length: 5 }, () => ({ looks: false })));
      await due('a');
      wake.wake('pass/a');
      await wake.flush();
      await until(async () => (await deadLetters()) > 0);
      expect([pushes, ran]).toEqual([Array.from({ length: 5 }, () => 'pass/a'), []]);
      expect(await store.get('schedule', 'pass/a')).toMatchObject({ key: 'pass/a' });
      expect(await (await sweep()).json()).toEqual({ due: 1, soon: 0, more: false });
      await until(async () => (await store.get('schedule', 'pass/a')) === undefined);
      expect(ran).toEqual(['a']);
    },
    2 * deliveryMs,
  );
});
