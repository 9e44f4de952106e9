import type { Server } from 'node:net';
import * as z from 'zod/mini';
import { toMessage } from '../../functions/core/errors.ts';
import type { Log } from '../../functions/core/surroundings.ts';
import { problemSchema } from './answers.ts';
import { openDoor } from './door.ts';
import { requestSocket } from './plugin.ts';
import type { Session } from './session.ts';

/** The plane judges what is asked for; this only keeps nonsense and bulk away from it. */
const askSchema = z.object({
  tools: z.array(z.string().check(z.maxLength(40))).check(z.maxLength(20)),
  channels: z.array(z.string().check(z.maxLength(40))).check(z.maxLength(20)),
  why: z.string().check(z.minLength(1), z.maxLength(2_000)),
});

const callMs = 15_000;
const patienceMs = 25_000;
const longestFact = 500;

/** Passes one wish of the agent's on to the plane; answers what the agent can tell its owner. */
export async function passOn(question: string, session: Session, signal: AbortSignal, log: Log): Promise<string> {
  const asked = askSchema.safeParse(JSON.parse(question));
  if (!asked.success) return 'The request was not sent: say which tools or channels, and why in at most 500 characters.';
  try {
    const { status, text } = await session.call('/agent/requests', { method: 'POST', body: asked.data, timeoutMs: callMs, signal });
    if (status === 200)
      return 'The request was sent to the admins. Nothing changes until one of them approves it; you will be told what they decide.';
    const problem = problemSchema.safeParse(JSON.parse(text));
    return `The request was not sent: ${problem.success ? problem.data.detail.slice(0, longestFact) : 'the plane refuses it'}`;
  } catch (error) {
    log.warn('a request of the agent was not passed on', { error: toMessage(error) });
    return 'The request could not be sent now. Try again later.';
  }
}

/** Serves the agent's wishes on their socket. The working directory must be the machine's folder. */
export const serveRequests = (session: Session, gid: number | undefined, signal: AbortSignal, log: Log): Promise<Server> =>
  openDoor({ path: requestSocket, gid, patienceMs, answer: (question) => passOn(question, session, signal, log) });
