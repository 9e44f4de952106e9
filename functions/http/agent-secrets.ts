import type { Hono } from 'hono';
import { secretsAskSchema, type secretsAnswerSchema } from '../../shared/sidecar.ts';
import type { Credentials } from '../core/credentials.ts';
import { PlaneError } from '../core/errors.ts';
import type { Tally } from '../core/notes.ts';
import type { SecretsProvider } from '../core/providers.ts';
import type { Clock, Log } from '../core/surroundings.ts';
import { bearer, read, readJson, toProblemResponse } from './problems.ts';
import type { z } from 'zod';

export interface AgentSecretsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly credentials: Pick<Credentials, 'check'>;
  readonly tally: Tally;
  readonly secretsOf: (planeId: string) => SecretsProvider;
  readonly requestId: () => string;
}

const callMs = 10_000;

/**
 * `POST /agent/secrets`: a machine that reaches no store of secrets by itself reads its own namespace. The grant is looked at on
 * every call, so revoking it ends this way in as it ends the others; the machine's sidecar alone holds a session.
 */
export function mountAgentSecrets(app: Hono, deps: AgentSecretsDeps): void {
  const { clock, log, credentials, tally } = deps;

  async function give(request: Request): Promise<z.infer<typeof secretsAnswerSchema>> {
    const { agent } = await credentials.check(bearer(request) ?? '', 'session');
    const { names } = read(secretsAskSchema, await readJson(request, 4_096), 'the names');
    const { agentId } = agent;
    const ctx = { log, signal: AbortSignal.any([request.signal, clock.deadline(callMs)]) };
    const secrets = deps.secretsOf(agent.planeId);
    const actor = { kind: 'agent', id: agentId } as const;
    const namespace = await secrets.namespace(agentId, ctx);
    if (namespace?.grantedTo === undefined) {
      await tally({ agentId }, { actor, action: 'access.refused', target: 'secrets', detail: 'they are not granted' });
      throw new PlaneError('forbidden', `cannot give secrets of agent ${agentId}: they are not granted`);
    }
    const missing = names.find((name) => !namespace.names.includes(name));
    if (missing !== undefined)
      throw new PlaneError('notFound', `cannot give secret ${missing} of agent ${agentId}: there is none of this name`);
    const values: Record<string, string> = {};
    for (const name of names) values[name] = await secrets.get(name, agentId, ctx);
    if (names.length > 0) await tally({ agentId }, { actor, action: 'secret.give', target: names.join(' ') });
    return { names: [...namespace.names], values };
  }

  app.post('/agent/secrets', async (c) => {
    try {
      return c.json(await give(c.req.raw), 200, { 'cache-control': 'no-store' });
    } catch (error) {
      return toProblemResponse(error, deps.requestId(), log, { hideFaults: true });
    }
  });
}
