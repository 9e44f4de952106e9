import type { Hono } from 'hono';
import { z } from 'zod';
import { errorTable, PlaneError, toMessage } from '../core/errors.ts';
import type { Log } from '../core/surroundings.ts';
import { fromLogEntry } from '../directory/activities.ts';
import type { Signal } from '../directory/signal.ts';
import { readJson } from './problems.ts';

export interface AuditLogPushDeps {
  /** Proves that our own subscription calls; throws a `PlaneError` for everybody else. */
  readonly verify: (request: Request) => Promise<unknown>;
  readonly signal: Signal;
  readonly log: Log;
}

/** A LogEntry has at most 256 KiB (Cloud Logging quotas); base64 and the envelope come on top. */
const longestBytes = 512_000;

/** A push of Pub/Sub: `data` is the LogEntry as base64 of JSON. */
const envelopeSchema = z.object({
  message: z.object({ data: z.string().max(longestBytes), messageId: z.string().max(200).optional() }),
});

function parseEntry(data: string): unknown {
  try {
    return JSON.parse(Buffer.from(data, 'base64').toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * Receives entries of the Workspace audit log that an organisation's log sink sends through Pub/Sub. An entry only names who is
 * read again. What can never be read is acknowledged, for Pub/Sub would send it again for days; where it cannot be kept, it is
 * not, and comes again.
 */
export function mountAuditLogPush(app: Hono, { verify, signal, log }: AuditLogPushDeps): void {
  async function read(request: Request): Promise<unknown> {
    const body = await readJson(request, longestBytes).catch((error: unknown) => {
      if (error instanceof PlaneError && error.code === 'invalid') return undefined;
      throw error;
    });
    const { data } = envelopeSchema.safeParse(body);
    return data && parseEntry(data.message.data);
  }

  app.post('/events/audit-log', async (c) => {
    try {
      await verify(c.req.raw);
    } catch (error) {
      const { status } = errorTable[error instanceof PlaneError ? error.code : 'internal'];
      log.warn(`refused an entry of the audit log: ${toMessage(error)}`);
      return c.body(null, status);
    }
    try {
      const entry = await read(c.req.raw);
      const activity = fromLogEntry(entry);
      if (activity) await signal(activity);
      else log.info(`ignored a push of the audit log: ${entry === undefined ? 'it carries no log entry' : 'its entry is of another log'}`);
      return c.body(null, 204);
    } catch (error) {
      log.warn(`cannot act on an entry of the audit log: ${toMessage(error)}; Pub/Sub sends it again`);
      return c.body(null, 503);
    }
  });
}
