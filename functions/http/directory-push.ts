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

const bodySchema = z.object({ id: z.string().regex(/^\d{1,32}$/) });

/**
 * Receives the Directory's push messages. A message only names a user, who is read again; what else it says is never believed.
 * The echo of our own write-back ends there too: that read finds nothing to change. Google takes every answer but 5xx for final.
 */
export function mountDirectoryPush(app: Hono, { store, clock, wake, log, equal }: DirectoryPushDeps): void {
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
    await makeLookDue(parsed.data.id, { store, clock, wake });
    return c.body(null, 204);
  });
}
