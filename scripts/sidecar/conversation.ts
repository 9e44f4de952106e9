import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { Assignment } from '../../shared/sidecar.ts';
import { gatewayTokenName } from '../../shared/sidecar-names.ts';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import type { Log } from '../../functions/core/surroundings.ts';
import { isOwnPort } from './gateway-health.ts';
import { ask } from './http.ts';
import { toEntry } from './openclaw-config.ts';
import type { Journal } from './journal.ts';
import type { SecretsReader } from './secrets-reader.ts';

/** How long a turn of the agent may take, in milliseconds. */
const turnMs = 600_000;
const firstDelayMs = 3_000;
const longestDelayMs = 300_000;
/** What the heartbeat carries at most. */
const longestText = 20_000;
const mostAnswers = 20;
const mostTold = 50;

const introductionRequest =
  'Follow BOOTSTRAP.md now: write the mail in which you introduce yourself to your owner. Answer with the text of the mail alone.';

const toNotice = (text: string): string =>
  `Notice of the plane that runs you, not of your owner: ${text}\n\nTake note of it, tell your owner when it matters to them, and answer with: noted`;

const completionSchema = z.object({ choices: z.array(z.object({ message: z.object({ content: z.string() }) })).check(z.minLength(1)) });

export interface Line {
  readonly port: number;
  readonly uid: number | undefined;
  readonly reader: SecretsReader;
}

/** One turn of the agent, as its owner, in its main session unless told otherwise: text in, text out. Throws when there is none. */
export async function takeTurn(
  { port, uid, reader }: Line,
  agentId: string,
  text: string,
  signal: AbortSignal,
  session = 'main',
): Promise<string> {
  if (!isOwnPort(port, uid))
    throw new PlaneError('unavailable', 'cannot talk to the agent: its gateway does not listen; it is tried again');
  const entry = toEntry({ agentId });
  const { [gatewayTokenName]: token = '' } = await reader.read([gatewayTokenName]);
  const { status, text: body } = await ask(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'x-openclaw-session-key': `agent:${entry}:${session}` },
    body: { model: `openclaw/${entry}`, messages: [{ role: 'user', content: text }] },
    timeoutMs: turnMs,
    signal,
  });
  if (status !== 200) throw new PlaneError('unavailable', `cannot talk to the agent: its gateway answers ${status}; it is tried again`);
  const answer = completionSchema.parse(JSON.parse(body)).choices[0]?.message.content.trim() ?? '';
  if (answer === '') throw new PlaneError('unavailable', 'cannot talk to the agent: it answers nothing; it is tried again');
  return answer.slice(0, longestText);
}

export interface Conversation {
  /** What the heartbeat says: kept until the plane no longer asks for it. */
  readonly written: () => { readonly introduction?: string; readonly answers: { id: string; text: string }[]; readonly told: string[] };
  /** Takes over what the plane asks for now. */
  follow(assignment: Assignment): void;
  /** Takes one turn after the other for as long as the machine runs. */
  run(signal: AbortSignal): Promise<void>;
}

export interface ConversationOptions {
  /** Answers the line to the agent once its gateway takes turns. */
  readonly line: () => Line | undefined;
  readonly changed: () => void;
  readonly journal: Pick<Journal, 'tell' | 'wasTold'>;
  readonly log: Log;
  readonly turn?: typeof takeTurn;
}

const idleMs = 500;

/** Has the agent introduce itself and answer its owner, one turn at a time, each until it succeeds. */
export function createConversation({ line, changed, journal, log, turn = takeTurn }: ConversationOptions): Conversation {
  let assignment: Assignment | undefined;
  let introduction: string | undefined;
  const answers = new Map<string, string>();

  async function takeNext(to: Line, { agentId, introduce, messages, notices }: Assignment, signal: AbortSignal): Promise<boolean> {
    if (introduce && introduction === undefined) {
      introduction = await turn(to, agentId, introductionRequest, signal);
      return true;
    }
    const notice = notices.find(({ id }) => !journal.wasTold(id));
    if (notice) {
      await turn(to, agentId, toNotice(notice.text), signal);
      journal.tell(notice.id);
      return true;
    }
    const message = messages.find(({ id }) => !answers.has(id));
    if (!message || answers.size >= mostAnswers) return false;
    answers.set(message.id, await turn(to, agentId, message.text, signal));
    return true;
  }

  return {
    written: () => ({
      ...(introduction === undefined ? {} : { introduction }),
      answers: [...answers].map(([id, text]) => ({ id, text })),
      told: (assignment?.notices ?? [])
        .map(({ id }) => id)
        .filter(journal.wasTold)
        .slice(0, mostTold),
    }),
    follow(next) {
      assignment = next;
      if (!next.introduce) introduction = undefined;
      const asked = new Set(next.messages.map(({ id }) => id));
      for (const id of answers.keys()) if (!asked.has(id)) answers.delete(id);
    },
    async run(signal) {
      let failures = 0;
      while (!signal.aborted) {
        const to = line();
        let delayMs = idleMs;
        try {
          if (to && assignment && (await takeNext(to, assignment, signal))) changed();
          failures = 0;
        } catch (error) {
          if (signal.aborted) return;
          delayMs = Math.min(firstDelayMs * 2 ** failures, longestDelayMs);
          failures += 1;
          log.warn('the agent did not answer', { error: toMessage(error) });
        }
        await sleep(delayMs, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}
