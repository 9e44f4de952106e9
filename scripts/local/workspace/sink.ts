import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Activity } from './activities.ts';
import type { Database } from './database.ts';
import type { Delivery } from './delivery.ts';
import { toLogEntry } from './log-entries.ts';

/** Where the subscription of the audit log's topic pushes to, and as whom. */
export const sinkSchema = z.strictObject({
  address: z.url({ protocol: /^https?$/ }),
  /** The token's `aud`; the address itself where nothing is given, as Pub/Sub does. */
  audience: z.string().min(1).optional(),
  serviceAccount: z.email().default('pubsub-push@agents-plane.iam.gserviceaccount.com'),
  subscription: z.string().default('projects/agents-plane/subscriptions/workspace-audit'),
});
export type SinkBody = z.input<typeof sinkSchema>;
export type SinkTarget = z.output<typeof sinkSchema>;

interface Copy {
  readonly id: number;
  readonly lateMs: number;
}

export interface Sink {
  /** Keeps an entry for delivery, inside the transaction of the change that it tells of. */
  keep(activity: Activity): readonly Copy[];
  /** Delivers what a committed transaction kept. */
  send(copies: readonly Copy[]): void;
  /** `undefined` ends the export; what is still kept goes nowhere until there is a target again. */
  set(target: SinkBody | undefined): void;
  target(): SinkTarget | undefined;
}

export interface SinkDeps {
  readonly database: Database;
  readonly delivery: Delivery;
  readonly now: () => number;
  readonly random: (size: number) => Uint8Array;
  /** A signed ID token of the pushing service account; `undefined` pushes without one. */
  readonly token: (target: SinkTarget) => string | undefined;
  /** Grow from one attempt to the next and stay at the last. */
  readonly retryDelaysMs: readonly number[];
  /** How late each copy of an entry leaves, in ms; none for a lost one. */
  readonly fate: () => readonly number[];
  readonly log: (line: string) => void;
}

const accepted = [102, 200, 201, 202, 204];
/** Pub/Sub keeps a message for a week at most unless told otherwise (pubsub/docs/subscription-properties). */
const keptMs = 7 * 24 * 60 * 60 * 1000;
const mostAtOnce = 16;

/** The audit log's way through Cloud Logging and Pub/Sub: at least once, in no order, over restarts of this process as well. */
export function createSink({ database, delivery, now, random, token, retryDelaysMs, fate, log }: SinkDeps): Sink {
  const { closing } = delivery;
  const ready = database.all<{ id: number }>('SELECT id FROM sinkMessages ORDER BY id').map(({ id }) => id);
  const attempts = new Map<number, number>();
  let target: SinkTarget | undefined;
  let running = 0;

  const forget = (id: number) => {
    attempts.delete(id);
    database.run('DELETE FROM sinkMessages WHERE id = ?', id);
  };

  const deliver = async (id: number, { address, subscription }: SinkTarget, bearer: string | undefined): Promise<void> => {
    const row = database.one<{ messageId: string; publishedAt: number; entry: string }>('SELECT * FROM sinkMessages WHERE id = ?', id);
    if (!row) return;
    if (row.publishedAt <= now() - keptMs) {
      log(`workspace: lost the log entry ${row.messageId}: nobody took it in a week`);
      forget(id);
      return;
    }
    const data = Buffer.from(row.entry).toString('base64');
    const publishTime = new Date(row.publishedAt).toISOString();
    // A push carries both spellings (pubsub/docs/push, "Receive messages").
    const ids = { messageId: row.messageId, message_id: row.messageId, publishTime, publish_time: publishTime };
    const message = { data, attributes: { 'logging.googleapis.com/timestamp': publishTime }, ...ids };
    const outcome = await delivery.attempt({
      address,
      headers: { 'content-type': 'application/json', ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }) },
      body: JSON.stringify({ message, subscription }),
    });
    if (closing.aborted) return;
    if (typeof outcome === 'number' && accepted.includes(outcome)) {
      forget(id);
      return;
    }
    const tried = attempts.get(id) ?? 0;
    attempts.set(id, tried + 1);
    later(id, retryDelaysMs[Math.min(tried, retryDelaysMs.length - 1)] ?? 0);
  };

  const pump = () => {
    while (target && running < mostAtOnce && !closing.aborted) {
      const id = ready.shift();
      if (id === undefined) return;
      running += 1;
      void deliver(id, target, token(target))
        .catch((error: unknown) => log(`workspace: cannot push a log entry: ${String(error)}`))
        .finally(() => {
          running -= 1;
          pump();
        });
    }
  };

  const later = (id: number, lateMs: number) => {
    const enter = () => {
      ready.push(id);
      pump();
    };
    if (lateMs === 0) enter();
    else sleep(lateMs, undefined, { ref: false, signal: closing }).then(enter, () => undefined);
  };

  return {
    keep(activity) {
      if (!target) return [];
      const messageId = Buffer.from(random(8)).readBigUInt64BE().toString();
      return fate().map((lateMs) => {
        const entry = JSON.stringify(toLogEntry(activity, now()));
        database.run('INSERT INTO sinkMessages (messageId, publishedAt, entry) VALUES (?, ?, ?)', messageId, now(), entry);
        return { id: database.one<{ id: number }>('SELECT last_insert_rowid() AS id')?.id ?? 0, lateMs };
      });
    },
    send: (copies) => copies.forEach(({ id, lateMs }) => later(id, lateMs)),
    set(body) {
      target = body && sinkSchema.parse(body);
      pump();
    },
    target: () => target,
  };
}
