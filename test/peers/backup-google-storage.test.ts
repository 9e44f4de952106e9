import { createGoogleStorageBackups } from '../../functions/backup/google-storage.ts';
import { partBytes } from '../../functions/backup/backup-store.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';
import { backupStoreConformance } from '../conformance/backup-store.ts';
import { startFakeGcs, type ObjectServer } from './backup-servers.ts';
import { discovery, validateAnswer, validateRequest } from './discovery.ts';

const token = 'ya29.the-secret-of-the-plane';
const auth = { getRequestHeaders: async () => new Headers({ authorization: `Bearer ${token}` }) };
const ctx: Ctx = { signal: new AbortController().signal, log: { info: () => undefined, warn: () => undefined } };

let server: ObjectServer;
let count = 0;
beforeAll(async () => void (server = await startFakeGcs()), 700_000);
afterAll(() => server.stop());

async function openBucket(send: typeof fetch = fetch) {
  count += 1;
  const bucket = `backups-${count}`;
  await fetch(`${server.origin}/storage/v1/b?project=acme`, { method: 'POST', body: JSON.stringify({ name: bucket }) });
  return { bucket, store: createGoogleStorageBackups({ bucket, auth, rootUrl: `${server.origin}/`, fetch: send }) };
}

backupStoreConformance('Cloud Storage', async () => {
  const { bucket, store } = await openBucket();
  return {
    store,
    async leaveUpload(key) {
      const url = `${server.origin}/upload/storage/v1/b/${bucket}/o?uploadType=resumable&name=${encodeURIComponent(key)}`;
      const session = (await fetch(url, { method: 'POST', body: '{}' })).headers.get('location') ?? '';
      const headers = { 'content-range': 'bytes 0-262143/*' };
      await fetch(session, { method: 'PUT', headers, body: new Uint8Array(262_144), redirect: 'manual' });
      // Google ends it by itself.
      return 0;
    },
    close: async () => undefined,
  };
});

it('asks in Google’s own words, and for nothing that is redirected or unsigned', async () => {
  const api = discovery('storage.v1');
  const sent: { method: string; url: string; body: unknown; answer: unknown }[] = [];
  const { store } = await openBucket(async (input, init) => {
    const answer = await fetch(input, init);
    const { url } = new Request(input);
    expect([new Headers(init?.headers).get('authorization'), init?.redirect]).toEqual([`Bearer ${token}`, 'manual']);
    const json = answer.headers.get('content-type')?.startsWith('application/json') && !url.includes('alt=media');
    const text = typeof init?.body === 'string' ? init.body : undefined;
    sent.push({ method: init?.method ?? 'GET', url, body: text && JSON.parse(text), answer: json && (await answer.clone().json()) });
    return answer;
  });
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(partBytes + 5);
  }
  await store.put('acme/a/1.age', bytes(), ctx);
  for await (const chunk of (await store.get('acme/a/1.age', ctx)) ?? []) expect(chunk.length).toBeGreaterThan(0);
  for await (const { key } of store.list('acme/', ctx)) expect(key).toBe('acme/a/1.age');
  await store.delete('acme/a/1.age', ctx);
  await store.delete('acme/a/1.age', ctx);
  await store.faults(ctx);
  const methods: string[] = [];
  for (const { method, url, body, answer } of sent.filter(({ url: each }) => !each.includes('upload_id='))) {
    const { pathname, searchParams } = new URL(url);
    const path = pathname.replace(/^\/upload/, '');
    const { methodId, problems } = validateRequest(api, { method, path, query: searchParams, ...(body === undefined ? {} : { body }) });
    expect(problems.filter((problem) => !problem.includes('uploadType'))).toEqual([]);
    methods.push(methodId ?? url);
    if (methodId === 'storage.objects.list') expect(validateAnswer(api, methodId, answer)).toEqual([]);
  }
  expect(methods).toEqual([
    ...['storage.objects.insert', 'storage.objects.get', 'storage.objects.list'],
    ...['storage.objects.delete', 'storage.objects.delete', 'storage.objects.list', 'storage.buckets.get'],
  ]);
});

it('sends again what the store did not take of a part', async () => {
  const taken: Uint8Array[] = [];
  const ranges: string[] = [];
  /** Takes 256 KiB of each request while there is more than that. */
  const send: typeof fetch = async (_url, init) => {
    if (init?.method === 'POST') return new Response(null, { headers: { location: 'http://127.0.0.1:1/session' } });
    const body = init?.body as Uint8Array;
    const range = new Headers(init?.headers).get('content-range') ?? '';
    ranges.push(range);
    const some = body.slice(0, range.endsWith('/*') || body.length > 262_144 ? 262_144 : body.length);
    taken.push(some);
    const all = taken.reduce((sum, { length }) => sum + length, 0);
    if (!range.endsWith('/*') && range.endsWith(`/${all}`)) return new Response('{}');
    return new Response(null, { status: 308, headers: { range: `bytes=0-${all - 1}` } });
  };
  const store = createGoogleStorageBackups({ bucket: 'b', auth, fetch: send });
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(1_000_000).map((_, at) => at % 251);
  }
  await store.put('acme/a/1', bytes(), ctx);
  expect(Buffer.concat(taken)).toEqual(Buffer.from(new Uint8Array(1_000_000).map((_, at) => at % 251)));
  expect(ranges.slice(0, 2)).toEqual(['bytes 0-999999/1000000', 'bytes 262144-999999/1000000']);
});

it.each([
  [{ softDeletePolicy: { retentionDurationSeconds: '604800' } }, 'keeps what is deleted for 604800 seconds'],
  [{ versioning: { enabled: true } }, 'keeps versions of what is deleted'],
  [{ retentionPolicy: { retentionPeriod: '86400' } }, 'lets nothing be deleted early'],
])('says of a bucket with %j that it %s', async (settings, fault) => {
  const store = createGoogleStorageBackups({ bucket: 'b', auth, fetch: async () => Response.json(settings) });
  expect(await store.faults(ctx)).toEqual([expect.stringContaining(fault)]);
});

it('takes a missing bucket for a failure and never for an absent backup', async () => {
  const store = createGoogleStorageBackups({ bucket: 'no-such-bucket', auth, rootUrl: `${server.origin}/` });
  const wanted = { code: 'preconditionFailed' };
  await expect(store.get('acme/a/1', ctx)).rejects.toMatchObject(wanted);
  await expect(store.delete('acme/a/1', ctx)).rejects.toMatchObject(wanted);
  await expect(store.list('acme/', ctx)[Symbol.asyncIterator]().next()).rejects.toMatchObject(wanted);
});
