import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import type { Log } from '../../functions/core/surroundings.ts';
import { replaceFile } from '../../functions/providers/infra/machine-files.ts';
import { isMissing } from '../../functions/providers/infra/system-error.ts';
import { createLocalReader, newestJoin, type SecretsReader } from './secrets-reader.ts';
import type { Session } from './session.ts';
import type { Environment } from './settings.ts';

/*
 * Secrets of a machine that reaches no store of secrets by itself: the plane gives them to its session, each time anew, and nothing
 * is kept but the next join token, since a machine that was off for longer than a session lasts has nothing else to show. Like every
 * token it is worth what the plane's own record says at the time.
 */

const answerSchema = z.object({ names: z.array(z.string()), values: z.record(z.string(), z.string()) });

/** A line of the join file: the token's name and the token. */
const line = /^(join\/\S{1,60}) (\S{1,512})$/;

const askMs = 15_000;
/** The next token waits a few seconds after a join, when the plane has looked at the agent. */
const firstPauseMs = 2_000;
const longestPauseMs = 300_000;

function readJoin(file: string): { readonly name: string; readonly token: string } | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const [, name, token] = line.exec(text.trim()) ?? [];
  return name === undefined || token === undefined ? undefined : { name, token };
}

export interface MachineSecrets {
  /** Holds the join token alone: a session begins with it. */
  readonly joins: SecretsReader;
  /** All others, by the session. */
  readonly reader: SecretsReader;
  /** Keeps each join token that comes after one in use, for as long as the machine runs. */
  keepJoins(signal: AbortSignal, log: Log): Promise<void>;
}

/** `session` is asked for when it is needed: it needs `joins` to begin. */
function createPlaneSecrets(file: string, session: () => Pick<Session, 'call'>): MachineSecrets {
  async function ask(names: readonly string[]): Promise<z.infer<typeof answerSchema>> {
    const { status, text } = await session().call('/agent/secrets', { method: 'POST', body: { names }, timeoutMs: askMs });
    if (status === 200) return answerSchema.parse(JSON.parse(text));
    throw new PlaneError('unavailable', `cannot read ${names.join(', ') || 'secrets'}: the plane answers ${status}; it is tried again`);
  }
  const read = async (names: readonly string[]) => (await ask(names)).values;

  async function keepNext(): Promise<void> {
    const name = newestJoin((await ask([])).names);
    if (name === undefined || name === readJoin(file)?.name) return;
    const { [name]: token } = await read([name]);
    if (token !== undefined) replaceFile(file, `${name} ${token}\n`, { mode: 0o600 });
  }

  return {
    joins: {
      async names() {
        const join = readJoin(file);
        return join ? [join.name] : [];
      },
      async read(names) {
        const join = readJoin(file);
        return join && names.includes(join.name) ? { [join.name]: join.token } : {};
      },
    },
    reader: { names: async () => (await ask([])).names, read },
    async keepJoins(signal, log) {
      for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        await keepNext().catch((error: unknown) => log.info('the next join token is not kept yet', { error: toMessage(error) }));
      }
    },
  };
}

/** Where a machine has its secrets from, as its settings say. */
export function openSecrets(source: Environment['secrets'], agentId: string, session: () => Pick<Session, 'call'>): MachineSecrets {
  if (source.provider === 'plane') return createPlaneSecrets(source.path, session);
  const reader = createLocalReader(source, agentId);
  return { joins: reader, reader, keepJoins: async () => undefined };
}
