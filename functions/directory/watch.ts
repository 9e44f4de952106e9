import type { IdentityProvider } from '../core/providers.ts';
import type { ChannelRecord } from '../core/records.ts';
import { lookKey, makeDue, relookKey, type Wake } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Ctx, Log } from '../core/surroundings.ts';

export interface WatchDeps {
  readonly identity: Pick<IdentityProvider, 'watchEvents' | 'stopWatching'>;
  readonly store: Store;
  readonly clock: Clock;
  readonly wake: Wake;
  readonly log: Log;
  /** Where the directory is to call, as it sees us. */
  readonly address: string;
  /** A random text of at least 128 bits. */
  readonly random: () => string;
}

/** Google caps users.watch at six hours (facts of 2026-11-22); a new channel opens half an hour before the old one ends. */
const ttlMs = 6 * 3_600_000;
const overlapMs = 30 * 60_000;

/** Keeps one live push channel; answers when to look again, in milliseconds. */
export function createWatch({ identity, store, clock, address, random, log }: WatchDeps) {
  async function stop(channel: ChannelRecord, ctx: Ctx): Promise<void> {
    if (channel.resourceId !== '') await identity.stopWatching(channel, ctx);
    await store.transact(async (tx) => void tx.delete('channels', channel.id));
  }

  return async function watch(ctx: Ctx): Promise<number> {
    const now = clock.now();
    const known = await store.query('channels', 'byExpiry', { limit: 50 });
    const open = known.filter(({ resourceId }) => resourceId !== '');
    const newest = open.at(-1);
    if (newest && newest.expiresAt - overlapMs > now) {
      for (const channel of known) if (channel !== newest) await stop(channel, ctx);
      return newest.expiresAt - overlapMs - now;
    }
    const id = random();
    const token = random();
    // The sync message may come before the answer: the channel must be known by then.
    await store.transact(async (tx) => void tx.set('channels', id, { id, token, resourceId: '', expiresAt: now + ttlMs }));
    const { resourceId, expiresAt } = await identity.watchEvents({ id, token, address, ttlMs }, ctx).catch(async (error: unknown) => {
      await store.transact(async (tx) => tx.delete('channels', id));
      throw error;
    });
    await store.transact(async (tx) => void tx.set('channels', id, { id, token, resourceId, expiresAt }));
    log.info(`the Directory tells us of changes until ${new Date(expiresAt).toISOString()}; a new channel opens before that`);
    return Math.max(expiresAt - overlapMs - now, 60_000);
  };
}

/** Reads after a write may show the state before it for some seconds (facts of 2026-11-22): a push tells of no second chance. */
const lagMs = 10_000;

/**
 * Makes a look at a user due and hints at it; and where there is an agent to lose, another one in a moment. A later push puts that
 * off: its own look has read what came before.
 */
export async function makeLooksDue(userId: string, { store, clock, wake }: Pick<WatchDeps, 'store' | 'clock' | 'wake'>): Promise<void> {
  const held = await store.query('agents', 'byOwner', { from: userId, before: `${userId}\u0000`, limit: 100 });
  const mayLose = held.some(({ desired }) => desired === 'running');
  const [now, again] = [
    { key: lookKey(userId), at: clock.now() },
    { key: relookKey(userId), at: clock.now() + lagMs },
  ];
  await store.transact(async (tx) => {
    const look = await tx.get('schedule', now.key);
    const relook = mayLose ? await tx.get('schedule', again.key) : undefined;
    makeDue(tx, now.key, look, now.at);
    if (mayLose) makeDue(tx, again.key, relook && { ...relook, dueAt: again.at }, again.at);
  });
  wake.wake(now.key);
  if (mayLose) wake.wake(again.key, again.at);
}
