import { readFileSync, rmSync } from 'node:fs';
import * as z from 'zod/mini';
import { PlaneError } from '../../functions/core/errors.ts';
import type { Clock, Log } from '../../functions/core/surroundings.ts';
import { replaceFile } from '../../functions/providers/infra/machine-files.ts';
import { joinAnswerSchema } from './answers.ts';
import { ask, type HttpAnswer, type HttpRequest } from './http.ts';
import { newestJoin, type SecretsReader } from './secrets-reader.ts';
import { isMissing } from '../../functions/providers/infra/system-error.ts';

export interface Session {
  /** Calls the plane as this machine; joins first where there is no session. Throws `unauthenticated` when the plane refuses. */
  call(path: string, request: HttpRequest): Promise<HttpAnswer>;
  /** Takes over a fresh token that the plane sent. */
  renew(token: string): void;
  /** When the gateway must be stopped because the plane has not accepted this machine for so long. */
  deadline(): number;
}

export interface SessionOptions {
  readonly planeUrl: string;
  readonly reader: SecretsReader;
  /** Where the token is kept, readable to our own user alone. */
  readonly file: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

/** How long a machine that is refused may go on, in milliseconds. */
export const refusedMs = 10 * 60_000;
/** How long a machine whose session has expired may go on, in milliseconds. */
export const expiredMs = 15 * 60_000;

const joinTimeoutMs = 15_000;

const keptSchema = z.object({ token: z.string(), expiresAt: z.number(), lifeMs: z.number() });
type Kept = z.infer<typeof keptSchema>;

function readKept(file: string): Kept | undefined {
  try {
    // A broken file is as good as none: a join token makes a new one.
    return keptSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function createSession({ planeUrl, reader, file, clock, log }: SessionOptions): Session {
  let kept = readKept(file);
  if (kept && kept.expiresAt <= clock.now()) kept = undefined;
  let expiresAt = kept?.expiresAt ?? clock.now();
  let refusedSince: number | undefined = kept ? undefined : clock.now();
  const spent = new Set<string>();
  let joining: Promise<Kept> | undefined;

  function keep(next: Kept): Kept {
    replaceFile(file, JSON.stringify(next), { mode: 0o600 });
    kept = next;
    expiresAt = next.expiresAt;
    refusedSince = undefined;
    return next;
  }

  function drop(token: string): void {
    if (kept?.token !== token) return;
    rmSync(file, { force: true });
    kept = undefined;
    refusedSince ??= clock.now();
  }

  async function join(): Promise<Kept> {
    const name = newestJoin(await reader.names());
    if (name === undefined) throw new PlaneError('unauthenticated', 'cannot join the plane: no join token waits for this machine');
    const { [name]: token = '' } = await reader.read([name]);
    if (spent.has(token)) throw new PlaneError('unauthenticated', `cannot join the plane: ${name} was tried before`);
    const { status, text } = await ask(`${planeUrl}/agent/join`, { method: 'POST', body: { token }, timeoutMs: joinTimeoutMs });
    if (status === 401 || status === 403) {
      spent.add(token);
      throw new PlaneError('unauthenticated', `cannot join the plane: it refuses ${name}`);
    }
    if (status !== 200) throw new PlaneError('unavailable', `cannot join the plane: it answers ${status}; it is tried again`);
    spent.add(token);
    const answer = joinAnswerSchema.parse(JSON.parse(text));
    log.info(`joined the plane with ${name}`);
    return keep({ ...answer, lifeMs: answer.expiresAt - clock.now() });
  }

  return {
    async call(path, request) {
      const { token } = kept ?? (await (joining ??= join().finally(() => (joining = undefined))));
      const answer = await ask(`${planeUrl}${path}`, { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } });
      if (answer.status === 401) {
        drop(token);
        throw new PlaneError('unauthenticated', `cannot call ${path}: the plane no longer accepts this session`);
      }
      return answer;
    },
    renew(token) {
      if (kept) keep({ token, lifeMs: kept.lifeMs, expiresAt: clock.now() + kept.lifeMs });
    },
    deadline: () => Math.min(refusedSince === undefined ? Infinity : refusedSince + refusedMs, expiresAt + expiredMs),
  };
}
