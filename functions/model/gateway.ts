import type { Hono } from 'hono';
import { z } from 'zod';
import type { AgentSpec } from '../../shared/agent.ts';
import { note } from '../core/agents.ts';
import type { Credentials } from '../core/credentials.ts';
import { PlaneError, toMessage } from '../core/errors.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Hashing, Log } from '../core/surroundings.ts';
import { bearer, read, readJson, toProblemResponse } from '../http/problems.ts';
import { tierModels, type ModelMaker } from './models.ts';
import { standIn } from './stand-in.ts';

/** Where models come from. The key never leaves this module. */
export type Upstream =
  { readonly maker: 'stand-in' } | { readonly maker: 'anthropic' | 'openai'; readonly key: string; readonly baseUrl: string };

export interface GatewayDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly log: Log;
  readonly credentials: Credentials;
  readonly upstream: Upstream;
  readonly requestId: () => string;
}

const requestSchema = z.looseObject({ model: z.string() });

/** OpenClaw's word for the wire format each maker speaks. */
export const modelApi = (maker: ModelMaker) => (maker === 'anthropic' ? 'anthropic-messages' : 'openai-completions');

const modelFor = (maker: ModelMaker, { modelTier }: AgentSpec): string => tierModels[maker][modelTier];

/** The only door from an agent to a model: knows the agent by its token, chooses the model by its tier, keeps the maker's key. */
export function mountModelGateway(app: Hono, deps: GatewayDeps): void {
  const { credentials, upstream, log, clock } = deps;

  async function forward(request: Request, path: string, body: object): Promise<Response> {
    if (upstream.maker === 'stand-in') return standIn(body, clock.now());
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (upstream.maker === 'anthropic') {
      headers['x-api-key'] = upstream.key;
      for (const name of ['anthropic-version', 'anthropic-beta']) {
        const value = request.headers.get(name);
        if (value !== null) headers[name] = value;
      }
    } else headers['authorization'] = `Bearer ${upstream.key}`;
    const init = { method: 'POST', headers, body: JSON.stringify(body), signal: request.signal };
    const answer = await fetch(`${upstream.baseUrl}${path}`, init).catch((cause: unknown) => {
      throw new PlaneError('unavailable', `cannot reach the model maker ${upstream.maker}: ${toMessage(cause)}; it is tried again`, {
        cause,
      });
    });
    const kept = new Headers();
    for (const name of ['content-type', 'retry-after', 'request-id']) {
      const value = answer.headers.get(name);
      if (value !== null) kept.set(name, value);
    }
    return new Response(answer.body, { status: answer.status, headers: kept });
  }

  function serve(path: string, maker: ModelMaker[]) {
    app.post(`/model${path}`, async (c) => {
      try {
        const token = bearer(c.req.raw) ?? c.req.header('x-api-key') ?? '';
        const { agent } = await credentials.check(token, 'model');
        if (!maker.includes(upstream.maker))
          throw new PlaneError('notFound', `cannot serve ${path}: this plane's models come from ${upstream.maker}`);
        const body = read(requestSchema, await readJson(c.req.raw, 20_000_000), 'the model call');
        const model = modelFor(upstream.maker, agent.spec);
        const actor = { kind: 'agent', id: agent.agentId } as const;
        await note({ agentId: agent.agentId }, { actor, action: 'model.call', target: model }, deps);
        return await forward(c.req.raw, path, { ...body, model });
      } catch (error) {
        return toProblemResponse(error, deps.requestId(), log, { hideFaults: true });
      }
    });
  }
  serve('/v1/chat/completions', ['openai', 'stand-in']);
  serve('/v1/messages', ['anthropic']);
}
