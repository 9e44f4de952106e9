import type { Hono } from 'hono';
import { z } from 'zod';
import type { TokenKey } from '../core/credentials.ts';
import type { Wake } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Log } from '../core/surroundings.ts';
import { makeLookDue } from '../directory/watch.ts';

export interface DirectoryPushDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly wake: Wake;
  readonly log: Log;
  readonly equal: TokenKey['equal'];
}

const bodySchema = z.object({ id: z.string().regex(/^\d{1,32}$/), etag: z.string().optional() });

/**
 * Receives the Directory's push messages. A message only names a user; what it says is never believed. Google takes every
 * answer but 2xx and 5xx for final, so a message that is not ours is refused and one that we caused ourselves is dropped.
 */
export function mountDirectoryPush(app: Hono, { store, clock, wake, log, equal }: DirectoryPushDeps): void {
  async function isEcho(userId: string, etag: string | undefined): Promise<boolean> {
    if (etag === undefined) return false;
    const agents = await store.query('agents', 'byOwner', { from: userId, before: `${userId}\u0000`, limit: 10 });
    const published = await Promise.all(agents.map(({ agentId }) => store.get('published', agentId)));
    return published.some((record) => record?.version === etag);
  }

  app.post('/events/directory', async (c) => {
    const channelId = c.req.header('x-goog-channel-id') ?? '';
    const channel = channelId === '' ? undefined : await store.get('channels', channelId);
    const known = channel && equal(channel.token, c.req.header('x-goog-channel-token') ?? '') && channel.expiresAt > clock.now();
    const resource = c.req.header('x-goog-resource-id');
    if (!known || (channel.resourceId !== '' && channel.resourceId !== resource)) {
      log.warn('refused a directory push: unknown channel, token or resource', { channelId: channelId.slice(0, 64) });
      return c.body(null, 403);
    }
    if (c.req.header('x-goog-resource-state') === 'sync') return c.body(null, 204);
    const parsed = bodySchema.safeParse(await c.req.json().catch(() => undefined));
    if (!parsed.success) {
      log.warn('ignored a directory push: its body names no user', { channelId });
      return c.body(null, 400);
    }
    const { id, etag } = parsed.data;
    if (!(await isEcho(id, etag))) await makeLookDue(id, { store, clock, wake });
    return c.body(null, 204);
  });
}
