import type { Hono } from 'hono';
import { z } from 'zod';
import { toAgentId } from '../../shared/agent.ts';
import type { TokenKey } from '../core/credentials.ts';
import type { Wake } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Hashing, Log } from '../core/surroundings.ts';
import { isEcho } from '../directory/publish.ts';
import { makeLooksDue } from '../directory/watch.ts';

export interface DirectoryPushDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly wake: Wake;
  readonly log: Log;
  readonly equal: TokenKey['equal'];
  readonly planeIds: () => readonly string[];
}

const bodySchema = z.object({ id: z.string().regex(/^\d{1,32}$/) });

/**
 * Receives the Directory's push messages. A message only names a user, who is read again; what else it says is never believed.
 * One push for each of our own writings is their echo and costs nothing. Google takes every answer but 5xx for final.
 */
export function mountDirectoryPush(app: Hono, deps: DirectoryPushDeps): void {
  const { store, clock, hashing, wake, log, equal, planeIds } = deps;

  async function onlyTellsOfUs(userId: string): Promise<boolean> {
    for (const planeId of planeIds()) if (await isEcho(toAgentId(planeId, userId, hashing.sha256), deps)) return true;
    return false;
  }

  app.post('/events/directory', async (c) => {
    const header = (name: string): string => c.req.header(`x-goog-${name}`) ?? '';
    const channelId = header('channel-id');
    const channel = channelId === '' ? undefined : await store.get('channels', channelId);
    const known = channel && equal(channel.token, header('channel-token')) && channel.expiresAt > clock.now();
    if (!known || (channel.resourceId !== '' && !equal(channel.resourceId, header('resource-id')))) {
      log.warn('refused a directory push: unknown channel, token or resource', { channelId: channelId.slice(0, 64) });
      return c.body(null, 403);
    }
    const state = header('resource-state');
    if (state === 'sync') return c.body(null, 204);
    const parsed = bodySchema.safeParse(await c.req.json().catch(() => undefined));
    if (!parsed.success) {
      log.warn('ignored a directory push: its body names no user', { channelId });
      return c.body(null, 400);
    }
    if (state === 'update' && (await onlyTellsOfUs(parsed.data.id))) return c.body(null, 204);
    await makeLooksDue(parsed.data.id, { store, clock, wake });
    return c.body(null, 204);
  });
}
