import { hash } from 'node:crypto';
import { PlaneError } from '../core/errors.ts';
import type { ScheduleRecord } from '../core/records.ts';
import type { Wake } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Log } from '../core/surroundings.ts';
import { createHints, toRefusal, type GoogleRequest } from './hints.ts';

export interface CloudTasksWakeOptions {
  readonly store: Pick<Store, 'get'>;
  readonly request: GoogleRequest;
  /** `projects/P/locations/L/queues/Q`. */
  readonly queue: string;
  /** Where tasks go: the function `reconcile`. */
  readonly url: string;
  /** Whose OIDC token a task carries; in the queue's project, and the plane may act as it. */
  readonly serviceAccount: string;
  readonly audience: string;
  /** After so many milliseconds Cloud Tasks gives an attempt up and makes another: more than `reconcile` ever takes. */
  readonly dispatchMs?: number;
  readonly log: Log;
  readonly clock: Clock;
  /** Ends in a slash; elsewhere than at Google for tests. */
  readonly rootUrl?: string;
}

const minuteMs = 60_000;
/** How far ahead a task may be scheduled (cloud.google.com/tasks/docs/quotas, 2026-11-22). */
const horizonMs = 30 * 24 * 60 * minuteMs;
/** The bounds of a dispatch deadline for HTTP tasks (discovery document cloudtasks.v2, 2026-11-22). */
const dispatchBounds = { leastMs: 15_000, mostMs: 30 * minuteMs };
/** How many tasks are created at once, and how long one flush may take. */
const width = 20;
const flushMs = 20_000;
const queuePattern = /^projects\/[\w.:-]+\/locations\/[\w-]+\/queues\/[A-Za-z0-9-]{1,100}$/;

/** 0 in the first minute after a row was due, 1 in the second, 2 in the two after that, then for four, eight … minutes. */
const lateness = (lateMs: number): number => (lateMs < minuteMs ? 0 : 1 + Math.floor(Math.log2(lateMs / minuteMs)));

/**
 * The same wish has the same name, so doubled hints fold. Everything that changes when a row is run or made due again is in it, because
 * a name stays refused for hours after its task is done (1 to 24, by the edition of Google's page), and so is how late the row is: a
 * task that was given up, or was answered without effect, leaves the row as it was, and must not hold the next hint off that long.
 * Hashed, because names alike at the start slow a queue down.
 */
function toTaskId({ key, stamp, attempts, dueAt }: ScheduleRecord, now: number): string {
  return hash('sha256', JSON.stringify([key, stamp, attempts, dueAt, lateness(now - dueAt)]));
}

/** Sends hints as tasks of Google Cloud Tasks, each due when its schedule row is. */
export function createCloudTasksWake(options: CloudTasksWakeOptions): Wake {
  const { store, request, queue, url, serviceAccount, audience, dispatchMs = 2 * minuteMs, log, clock } = options;
  const { rootUrl = 'https://cloudtasks.googleapis.com/' } = options;
  if (!queuePattern.test(queue)) {
    throw new PlaneError('invalid', `cannot use queue ${queue}: it has another form; write projects/<id>/locations/<id>/queues/<id>`);
  }
  if (!serviceAccount || !audience) {
    throw new PlaneError('invalid', `cannot use queue ${queue}: its tasks would carry no identity; set a service account and an audience`);
  }
  if (dispatchMs < dispatchBounds.leastMs || dispatchMs > dispatchBounds.mostMs) {
    throw new PlaneError('invalid', `cannot use queue ${queue}: a dispatch deadline of ${dispatchMs} ms; use 15 s to 30 minutes`);
  }

  async function hand(key: string, signal: AbortSignal): Promise<void> {
    const row = await store.get('schedule', key);
    const now = clock.now();
    if (!row || row.dueAt - now > horizonMs) return;
    const task = {
      name: `${queue}/tasks/${toTaskId(row, now)}`,
      scheduleTime: new Date(row.dueAt).toISOString(),
      dispatchDeadline: `${dispatchMs / 1000}s`,
      httpRequest: {
        httpMethod: 'POST',
        url,
        headers: { 'Content-Type': 'application/json' },
        body: Buffer.from(JSON.stringify({ key })).toString('base64'),
        oidcToken: { serviceAccountEmail: serviceAccount, audience },
      },
    };
    await request({ url: `${rootUrl}v2/${queue}/tasks`, method: 'POST', data: { task }, signal });
  }

  return createHints(async (keys) => {
    const signal = clock.deadline(flushMs);
    const lost: { readonly key: string; readonly fact: string }[] = [];
    const left = keys.values();
    async function work(): Promise<void> {
      for (const key of left) {
        try {
          signal.throwIfAborted();
          await hand(key, signal);
        } catch (error) {
          const { status, fact } = toRefusal(error);
          if (status !== 409) lost.push({ key, fact });
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(width, keys.length) }, work));
    const [first] = lost;
    if (!first) return;
    const message = `cannot queue ${lost.length} of ${keys.length} hints in ${queue}: ${first.fact}; the next sweep finds what is due`;
    log.warn(message, { keys: lost.slice(0, 20).map(({ key }) => key) });
  });
}
