import type { AuthClient } from 'google-auth-library';
import { z } from 'zod';
import { PlaneError, toMessage } from '../core/errors.ts';
import type { Ctx } from '../core/surroundings.ts';
import { checkKey, toParts, toStoreError, type BackupStore } from './backup-store.ts';

export interface GoogleStorageBackupsOptions {
  readonly bucket: string;
  /** Whoever may use the bucket: a client of google-auth-library; its streams are not used, because it buffers what it sends. */
  readonly auth: Pick<AuthClient, 'getRequestHeaders'>;
  /** Elsewhere than at Google, for tests; ends in a slash. */
  readonly rootUrl?: string;
  readonly fetch?: typeof fetch;
}

const mostPages = 10_000;
/** How often the rest of one part is sent again when the store took some of it. */
const mostRests = 32;
const cancelMs = 10_000;

const pageSchema = z.object({
  items: z.array(z.object({ name: z.string(), size: z.coerce.number() })).default([]),
  nextPageToken: z.string().optional(),
});
const bucketSchema = z.object({
  versioning: z.object({ enabled: z.boolean().optional() }).optional(),
  softDeletePolicy: z.object({ retentionDurationSeconds: z.coerce.number().optional() }).optional(),
  retentionPolicy: z.object({ retentionPeriod: z.coerce.number().optional() }).optional(),
});

/** An answer of the store that is no success. */
class AnsweredError extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`the store answered ${status}`);
    this.name = 'AnsweredError';
    this.status = status;
  }
}

interface Sent {
  readonly method?: 'POST' | 'PUT' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  /** Statuses beside 2xx that are an answer. */
  readonly takes?: readonly number[];
}

/** Keeps backups in a bucket of Google Cloud Storage, through its JSON API. Each object comes to exist with its upload's last part. */
export function createGoogleStorageBackups(options: GoogleStorageBackupsOptions): BackupStore {
  const { bucket, auth, rootUrl = 'https://storage.googleapis.com/', fetch: send = fetch } = options;
  const bucketUrl = `${rootUrl}storage/v1/b/${encodeURIComponent(bucket)}`;
  const objectUrl = (key: string): string => {
    checkKey(key);
    return `${bucketUrl}/o/${encodeURIComponent(key)}`;
  };

  async function ask(url: string, signal: AbortSignal, { method, headers = {}, body, takes = [] }: Sent = {}): Promise<Response> {
    const all = new Headers(await auth.getRequestHeaders(url));
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    // 308 is how an upload says that it goes on, and no redirect.
    const answer = await send(url, {
      method: method ?? 'GET',
      headers: all,
      signal,
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
    });
    if (answer.ok || takes.includes(answer.status)) return answer;
    await answer.body?.cancel();
    throw new AnsweredError(answer.status);
  }

  async function attempt<T>(what: string, { signal }: Ctx, call: () => Promise<T>): Promise<T> {
    try {
      signal.throwIfAborted();
      return await call();
    } catch (error) {
      throw toStoreError(error, error instanceof AnsweredError ? error.status : undefined, what, signal);
    }
  }

  async function askPage(prefix: string, pageToken: string | undefined, signal: AbortSignal, maxResults = 1000) {
    const query = new URLSearchParams({ prefix, maxResults: String(maxResults), fields: 'items(name,size),nextPageToken' });
    if (pageToken !== undefined) query.set('pageToken', pageToken);
    return pageSchema.parse(await (await ask(`${bucketUrl}/o?${query.toString()}`, signal)).json());
  }

  /** A 404 is of the object or of its bucket; only the first means that there is nothing. */
  async function checkBucket(key: string, signal: AbortSignal): Promise<void> {
    await askPage(key, undefined, signal, 1);
  }

  /** Sends one part; what the store did not take of it is sent again, as its protocol asks. Answers the next byte's place. */
  async function sendPart(
    session: string,
    part: Uint8Array<ArrayBuffer>,
    from: number,
    last: boolean,
    signal: AbortSignal,
  ): Promise<number> {
    const end = from + part.length;
    let at = from;
    for (let count = 0; count < mostRests; count += 1) {
      const range = at === end ? '*' : `${at}-${end - 1}`;
      const headers = { 'content-range': `bytes ${range}/${last ? end : '*'}` };
      const answer = await ask(session, signal, { method: 'PUT', headers, body: part.subarray(at - from), takes: [308] });
      await answer.body?.cancel();
      if (answer.status !== 308) return end;
      const [, taken] = /^bytes=0-(\d+)$/.exec(answer.headers.get('range') ?? '') ?? [];
      const next = taken === undefined ? 0 : Number(taken) + 1;
      if (next < at || next > end) break;
      if (next === end && !last) return end;
      at = next;
    }
    throw new PlaneError('unavailable', 'cannot send a part of a backup: the store does not take it; it is tried again');
  }

  async function giveBack(session: string, { log }: Ctx): Promise<void> {
    try {
      // 499 is how it says that the upload is cancelled.
      await ask(session, AbortSignal.timeout(cancelMs), { method: 'DELETE', headers: { 'content-length': '0' }, takes: [404, 410, 499] });
    } catch (error) {
      log.warn(`cannot give back a failed upload to bucket ${bucket}: ${toMessage(error)}; it ends by itself within a week`);
    }
  }

  const put = (key: string, bytes: AsyncIterable<Uint8Array>, ctx: Ctx): Promise<void> =>
    attempt(`store backup ${key} in bucket ${bucket}`, ctx, async () => {
      checkKey(key);
      const query = new URLSearchParams({ uploadType: 'resumable', name: key });
      const url = `${rootUrl}upload/storage/v1/b/${encodeURIComponent(bucket)}/o?${query.toString()}`;
      const headers = { 'content-type': 'application/json', 'x-upload-content-type': 'application/octet-stream' };
      const begun = await ask(url, ctx.signal, { method: 'POST', headers, body: '{}' });
      await begun.body?.cancel();
      const session = begun.headers.get('location');
      if (session === null) throw new PlaneError('unavailable', `cannot store backup ${key}: the store names no upload; it is tried again`);
      try {
        let at = 0;
        for await (const { part, last } of toParts(bytes)) at = await sendPart(session, part, at, last, ctx.signal);
      } catch (error) {
        await giveBack(session, ctx);
        throw error;
      }
    });

  async function* readAll(body: AsyncIterable<Uint8Array>, what: string, { signal }: Ctx): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      throw toStoreError(error, undefined, what, signal);
    }
  }

  const get = (key: string, ctx: Ctx): Promise<AsyncIterable<Uint8Array> | undefined> => {
    const what = `read backup ${key} from bucket ${bucket}`;
    return attempt(what, ctx, async () => {
      const answer = await ask(`${objectUrl(key)}?alt=media`, ctx.signal, { takes: [404] });
      if (answer.status !== 404 && answer.body) return readAll(answer.body, what, ctx);
      await answer.body?.cancel();
      await checkBucket(key, ctx.signal);
      return undefined;
    });
  };

  async function* list(prefix: string, ctx: Ctx): AsyncGenerator<{ key: string; bytes: number }> {
    const what = `list backups of bucket ${bucket}`;
    let token: string | undefined;
    for (let count = 0; count < mostPages; count += 1) {
      const page = await attempt(what, ctx, () => askPage(prefix, token, ctx.signal));
      for (const { name, size } of page.items) yield { key: name, bytes: size };
      token = page.nextPageToken;
      if (!token) return;
    }
    throw new PlaneError('unavailable', `cannot ${what}: its pages do not come to an end; it is tried again`);
  }

  return {
    put,
    get,
    list,
    delete: (key, ctx) =>
      attempt(`delete backup ${key} from bucket ${bucket}`, ctx, async () => {
        const answer = await ask(objectUrl(key), ctx.signal, { method: 'DELETE', takes: [404] });
        await answer.body?.cancel();
        if (answer.status === 404) await checkBucket(key, ctx.signal);
      }),
    faults: (ctx) =>
      attempt(`look at bucket ${bucket}`, ctx, async () => {
        const fields = new URLSearchParams({ fields: 'versioning,softDeletePolicy,retentionPolicy' });
        const found = bucketSchema.parse(await (await ask(`${bucketUrl}?${fields.toString()}`, ctx.signal)).json());
        const kept = found.softDeletePolicy?.retentionDurationSeconds ?? 0;
        return [
          ...(found.versioning?.enabled ? [`bucket ${bucket} keeps versions of what is deleted; turn versioning off`] : []),
          // New buckets have it, for seven days (cloud.google.com/storage/docs/soft-delete, 2026-11-22).
          ...(kept > 0 ? [`bucket ${bucket} keeps what is deleted for ${kept} seconds; set its soft delete policy to 0`] : []),
          ...(found.retentionPolicy ? [`bucket ${bucket} lets nothing be deleted early; remove its retention policy`] : []),
        ];
      }),
    // Google ends an unfinished upload by itself after a week, and has no list of them.
    clear: async () => 0,
  };
}
