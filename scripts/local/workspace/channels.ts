import type { admin_directory_v1 as directory } from '@googleapis/admin';
import { z } from 'zod';
import { DirectoryError, digest, invalid, readBody } from './answers.ts';
import type { Database } from './database.ts';
import type { Push, Pushes } from './pushes.ts';

export const userEvents = ['add', 'delete', 'makeAdmin', 'undelete', 'update'] as const;
export type UserEvent = (typeof userEvents)[number];

interface ChannelRow {
  readonly id: string;
  readonly resourceId: string;
  readonly resourceUri: string;
  readonly event: UserEvent | null;
  readonly address: string;
  readonly token: string | null;
  readonly expiresAt: number;
  readonly messageNumber: number;
}

/** Documented default 2 h (Schema$Channel.params); 6 h is what Google grants in practice (firezone PR 15041). */
const fallbackLifetimeMs = 2 * 60 * 60 * 1000;
const longestLifetimeMs = 6 * 60 * 60 * 1000;
/** How long a channel's id stays taken after its end. */
const rememberedMs = 7 * 24 * 60 * 60 * 1000;

const channelBody = z.object({
  id: z.string().min(1).max(64),
  type: z.literal('web_hook'),
  address: z.url({ protocol: /^https?$/ }),
  token: z.string().max(256).optional(),
  expiration: z.coerce.number().int().positive().optional(),
  params: z.object({ ttl: z.coerce.number().int().positive().optional() }).optional(),
});
const stopBody = z.object({ id: z.string(), resourceId: z.string() });

export interface Channels {
  watch(query: Record<string, string>, body: unknown): directory.Schema$Channel;
  stop(body: unknown): void;
  /** What the channels that watch for this are told; counts their messages, inside the transaction of the change. */
  toPushes(event: UserEvent, user: { readonly id: string; readonly email: string }): Push[];
  /** Ends every channel that is open now. */
  expireAll(): void;
}

export interface ChannelsDeps {
  readonly database: Database;
  readonly pushes: Pushes;
  readonly now: () => number;
  readonly random: (size: number) => Uint8Array;
  /** No channel lives longer than this, whatever it asks for. */
  readonly mostMs: () => number;
}

export function createChannels({ database, pushes, now, random, mostMs }: ChannelsDeps): Channels {
  const open = (event: UserEvent) =>
    database.all<ChannelRow>(
      'SELECT * FROM channels WHERE stoppedAt IS NULL AND expiresAt > ? AND (event IS NULL OR event = ?)',
      now(),
      event,
    );

  const toHeaders = ({ id, token, expiresAt, resourceId, resourceUri }: ChannelRow, state: UserEvent | 'sync', messageNumber: number) => ({
    'x-goog-channel-id': id,
    ...(token !== null && { 'x-goog-channel-token': token }),
    'x-goog-channel-expiration': new Date(expiresAt).toUTCString(),
    'x-goog-resource-id': resourceId,
    'x-goog-resource-uri': resourceUri,
    'x-goog-resource-state': state,
    'x-goog-message-number': String(messageNumber),
  });

  return {
    watch(query, body) {
      const { id, address, token, expiration, params } = readBody(channelBody, body);
      refuseOpenHttp(address);
      const event = readEvent(query['event']);
      const time = now();
      const asked = params?.ttl === undefined ? expiration : time + params.ttl * 1000;
      if (asked !== undefined && asked <= time) throw invalid('Invalid Input: expiration');
      const expiresAt = Math.min(asked ?? time + fallbackLifetimeMs, time + longestLifetimeMs, time + mostMs());
      const scope = query['domain'] === undefined ? `customer=${query['customer']}` : `domain=${query['domain']}`;
      const resourceUri = `https://admin.googleapis.com/admin/directory/v1/users?${scope}${event ? `&event=${event}` : ''}&alt=json`;
      const channel: ChannelRow = {
        ...{ id, address, event, expiresAt, resourceUri, token: token ?? null },
        ...{ resourceId: digest(resourceUri), messageNumber: 1 },
      };
      database.transaction(() => {
        database.run('DELETE FROM channels WHERE expiresAt < ?', time - rememberedMs);
        if (database.one('SELECT 1 FROM channels WHERE id = ?', id))
          throw new DirectoryError('channelIdNotUnique', `Channel id ${id} not unique`);
        database.run(
          'INSERT INTO channels (id, resourceId, resourceUri, event, address, token, expiresAt) VALUES (?, ?, ?, ?, ?, ?, ?)',
          ...[id, channel.resourceId, resourceUri, event, address, channel.token, expiresAt],
        );
      });
      pushes.send({ channelId: id, address, headers: toHeaders(channel, 'sync', 1) });
      return {
        kind: 'api#channel',
        ...{ id, resourceId: channel.resourceId, resourceUri, expiration: String(expiresAt) },
        ...(token !== undefined && { token }),
      };
    },

    stop(body) {
      const { id, resourceId } = readBody(stopBody, body);
      const stopped = database.run(
        'UPDATE channels SET stoppedAt = ? WHERE id = ? AND resourceId = ? AND stoppedAt IS NULL AND expiresAt > ?',
        ...[now(), id, resourceId, now()],
      );
      if (stopped === 0) throw new DirectoryError('notFound', `Channel '${id}' not found`);
    },

    toPushes: (event, { id, email }) =>
      open(event).map((channel) => {
        // Numbers grow but are not sequential (guides/push).
        const number = channel.messageNumber + 1 + ((random(1)[0] ?? 0) % 8);
        database.run('UPDATE channels SET messageNumber = ? WHERE id = ?', number, channel.id);
        const headers = { ...toHeaders(channel, event, number), 'content-type': 'application/json; utf-8' };
        const etag = `"agents-plane-workspace/${digest(`${channel.id} ${number}`)}"`;
        const body = JSON.stringify({ kind: 'admin#directory#user', id, etag, primaryEmail: email });
        return { channelId: channel.id, address: channel.address, headers, body };
      }),

    expireAll: () => void database.run('UPDATE channels SET expiresAt = ? WHERE expiresAt > ? AND stoppedAt IS NULL', now(), now()),
  };
}

function readEvent(event: string | undefined): UserEvent | null {
  if (event === undefined) return null;
  const known = userEvents.find((name) => name === event);
  if (!known) throw new DirectoryError('invalidParameter', `Invalid value '${event}'. Allowed values: [${userEvents.join(', ')}]`);
  return known;
}

/** Google pushes over https alone; on one machine the loopback needs no certificate. */
function refuseOpenHttp(address: string): void {
  const { protocol, hostname } = new URL(address);
  const loopback = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  if (protocol !== 'https:' && !loopback) throw new DirectoryError('push.webhookUrlNotHttps', `WebHook callback must be HTTPS: ${address}`);
}
