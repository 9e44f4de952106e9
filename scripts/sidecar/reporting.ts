import { setTimeout as sleep } from 'node:timers/promises';
import type { Assignment, HeartbeatReport } from '../../shared/sidecar.ts';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import type { Log } from '../../functions/core/surroundings.ts';
import { assignmentSchema, heartbeatAnswerSchema } from './answers.ts';
import type { HttpAnswer } from './http.ts';
import type { Session } from './session.ts';

/** The plane holds the question for 25 s (shared/sidecar.ts); this leaves it time to answer. */
const assignmentTimeoutMs = 40_000;
const heartbeatTimeoutMs = 15_000;
const firstDelayMs = 1_000;
const longestDelayMs = 30_000;
/** The shortest time between two heartbeats, in milliseconds. */
const gapMs = 200;

/** A wait that can be cut short. */
export interface Nudge {
  readonly nudge: () => void;
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

export function createNudge(): Nudge {
  let pending = false;
  let cut: AbortController | undefined;
  return {
    nudge() {
      pending = true;
      cut?.abort();
    },
    async wait(ms, signal) {
      if (!pending) {
        cut = new AbortController();
        await sleep(ms, undefined, { signal: AbortSignal.any([signal, cut.signal]) }).catch(() => undefined);
        cut = undefined;
      }
      pending = false;
    },
  };
}

/** Repeats an exchange with the plane, with a growing delay while it fails. */
async function repeat(what: string, exchange: () => Promise<void>, signal: AbortSignal, log: Log): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    try {
      await exchange();
      failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      const delayMs = Math.min(firstDelayMs * 2 ** failures, longestDelayMs);
      if (failures === 0 || delayMs === longestDelayMs) log.warn(`${what} failed`, { error: toMessage(error) });
      failures += 1;
      await sleep(delayMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

function expect(what: string, { status, text }: HttpAnswer): unknown {
  if (status === 200) return JSON.parse(text);
  throw new PlaneError('unavailable', `cannot ${what}: the plane answers ${status}; it is tried again`);
}

/** Follows the assignment: hands over each new one, oldest first. */
export const followAssignment = (
  session: Session,
  take: (assignment: Assignment) => void,
  signal: AbortSignal,
  log: Log,
): Promise<void> => {
  let version = '';
  return repeat(
    'fetching the assignment',
    async () => {
      const path = `/agent/assignment?after=${encodeURIComponent(version)}`;
      const answer = await session.call(path, { timeoutMs: assignmentTimeoutMs, signal });
      // A plane that does not hold the question must not be asked without a pause.
      if (answer.status === 204) return void (await sleep(gapMs, undefined, { signal }).catch(() => undefined));
      const assignment = assignmentSchema.parse(expect('fetch the assignment', answer));
      take(assignment);
      version = assignment.version;
    },
    signal,
    log,
  );
};

/** Sends a heartbeat at every interval, and at once when nudged. */
export const sendHeartbeats = (
  session: Session,
  report: () => HeartbeatReport,
  { intervalMs, nudge, signal, log }: { intervalMs: number; nudge: Nudge; signal: AbortSignal; log: Log },
): Promise<void> =>
  repeat(
    'the heartbeat',
    async () => {
      const answer = await session.call('/agent/heartbeat', { method: 'POST', body: report(), timeoutMs: heartbeatTimeoutMs, signal });
      const { token } = heartbeatAnswerSchema.parse(expect('send the heartbeat', answer));
      if (token !== undefined) session.renew(token);
      await sleep(gapMs, undefined, { signal }).catch(() => undefined);
      await nudge.wait(intervalMs, signal);
    },
    signal,
    log,
  );
