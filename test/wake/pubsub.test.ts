import { createPubSubWake } from '../../functions/wake/pubsub.ts';
import { makeDue } from '../../functions/core/schedule.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { accessToken, closeServers, createHandClock, createHeardLog, createRequest, listen } from './loopback.ts';

const topic = 'projects/acme-plane/topics/wake';
afterEach(closeServers);

interface Published {
  readonly messages: readonly { readonly data: string; readonly attributes: { readonly key: string } }[];
}

async function openTopic() {
  const published: Published[] = [];
  const faults: number[] = [];
  const origin = await listen(async (request) => {
    const fault = faults.shift();
    if (fault !== undefined) return Response.json({ error: { status: 'INTERNAL', message: accessToken } }, { status: fault });
    if (new URL(request.url).pathname !== `/v1/${topic}:publish`) return new Response('', { status: 404 });
    published.push((await request.json()) as Published);
    return Response.json({ messageIds: [] });
  });
  const [store, clock, log] = [createMemoryStore(), createHandClock(), createHeardLog()];
  const wake = createPubSubWake({ store, request: createRequest(), topic, log, clock, rootUrl: `${origin}/` });
  const due = (key: string, inMs = 0) => store.transact(async (tx) => makeDue(tx, key, undefined, clock.now() + inMs));
  return { published, faults, wake, due, log };
}

describe('waking by Pub/Sub', () => {
  it('publishes each hint once, as data and as attribute', async () => {
    const { published, wake, due } = await openTopic();
    await due('pass/a');
    wake.wake('pass/a');
    wake.wake('pass/a');
    await wake.flush();
    await wake.flush();
    expect(published).toEqual([
      { messages: [{ data: Buffer.from('{"key":"pass/a"}').toString('base64'), attributes: { key: 'pass/a' } }] },
    ]);
  });

  it('leaves to the sweep what is not due soon, and publishes nothing for a key without a row', async () => {
    const { published, wake, due } = await openTopic();
    await due('pass/soon', 15_000);
    await due('pass/later', 15_001);
    for (const id of ['soon', 'later', 'nobody']) wake.wake(`pass/${id}`);
    await wake.flush();
    expect(published.flatMap(({ messages }) => messages.map(({ attributes }) => attributes.key))).toEqual(['pass/soon']);
  });

  it('sends no more than a thousand messages at once, and loses only the batch that failed', async () => {
    const { published, faults, wake, due, log } = await openTopic();
    for (let at = 0; at < 2_500; at += 1) {
      await due(`pass/${at}`);
      wake.wake(`pass/${at}`);
    }
    faults.push(500);
    await wake.flush();
    expect(published.map(({ messages }) => messages.length)).toEqual([1000, 500]);
    expect(log.lines).toEqual([expect.stringContaining(`cannot publish 1000 of 2500 hints to ${topic}: 500 INTERNAL`)]);
    expect(log.lines.join()).not.toContain(accessToken);
  });

  it('refuses a topic of another form', () => {
    const log = createHeardLog();
    const base = { store: createMemoryStore(), request: createRequest(), log, clock: createHandClock() };
    expect(() => createPubSubWake({ ...base, topic: 'wake' })).toThrow('write projects/<id>/topics/<id>');
  });
});
