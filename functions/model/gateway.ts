import type { Hono } from 'hono';
import type { AgentSpec } from '../../shared/agent.ts';
import type { Credentials } from '../core/credentials.ts';
import { PlaneError, toMessage } from '../core/errors.ts';
import type { Tally } from '../core/notes.ts';
import type { Clock, Log } from '../core/surroundings.ts';
import { bearer, read, readJson, toProblemResponse } from '../http/problems.ts';
import { tierModels, type ModelMaker } from './models.ts';
import { modelRequestSchema, toMakerBody, type ModelRequest } from './request.ts';
import { standIn } from './stand-in.ts';

/** Where models come from. The key never leaves this module. */
export type Upstream =
  { readonly maker: 'stand-in' } | { readonly maker: 'anthropic' | 'openai'; readonly key: string; readonly baseUrl: string };

export interface GatewayDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly credentials: Credentials;
  readonly upstream: Upstream;
  readonly requestId: () => string;
  readonly tally: Tally;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** How often a running answer is held against the store, in milliseconds. */
const lookMs = 500;

/** OpenClaw's word for the wire format each maker speaks. */
export const modelApi = (maker: ModelMaker) => (maker === 'anthropic' ? 'anthropic-messages' : 'openai-completions');

const modelFor = (maker: ModelMaker, { modelTier }: AgentSpec): string => tierModels[maker][modelTier];

/** The same bytes, and a call when there will be no more of them, however that comes. */
function endingWith(body: ReadableStream<Uint8Array>, end: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value);
      end();
      controller.close();
    },
    cancel(reason) {
      end();
      return reader.cancel(reason);
    },
  });
}

/** The only door from an agent to a model: knows the agent by its token, chooses the model by its tier, keeps the maker's key. */
export function mountModelGateway(app: Hono, deps: GatewayDeps): void {
  const { credentials, upstream, log, clock } = deps;

  /** Aborts as soon as the agent's key is refused, so that a suspension also ends the answer that is under way. */
  async function endWhenRefused(token: string, life: AbortController): Promise<void> {
    while (!life.signal.aborted) {
      await deps.sleep(lookMs, life.signal);
      await credentials.check(token, 'model').catch(() => life.abort());
    }
  }

  async function forward(request: Request, token: string, path: string, body: ModelRequest, model: string): Promise<Response> {
    if (upstream.maker === 'stand-in') return standIn(body, clock.now());
    const { maker, key, baseUrl } = upstream;
    const version = request.headers.get('anthropic-version') ?? '2023-06-01';
    const headers: Record<string, string> =
      maker === 'anthropic' ? { 'x-api-key': key, 'anthropic-version': version } : { authorization: `Bearer ${key}` };
    const life = new AbortController();
    const answer = await fetch(`${baseUrl}${path}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(toMakerBody(body, maker, model)),
      signal: AbortSignal.any([request.signal, life.signal]),
    }).catch((cause: unknown) => {
      throw new PlaneError('unavailable', `cannot reach the model maker ${maker}: ${toMessage(cause)}; it is tried again`, { cause });
    });
    request.signal.addEventListener('abort', () => life.abort(), { once: true });
    void endWhenRefused(token, life);
    const kept = new Headers();
    for (const name of ['content-type', 'retry-after', 'request-id']) {
      const value = answer.headers.get(name);
      if (value !== null) kept.set(name, value);
    }
    const stream = answer.body && endingWith(answer.body, () => life.abort());
    return new Response(stream, { status: answer.status, headers: kept });
  }

  function serve(path: string, maker: ModelMaker[]) {
    app.post(`/model${path}`, async (c) => {
      try {
        const token = bearer(c.req.raw) ?? c.req.header('x-api-key') ?? '';
        await credentials.check(token, 'model');
        if (!maker.includes(upstream.maker))
          throw new PlaneError('notFound', `cannot serve ${path}: this plane's models come from ${upstream.maker}`);
        const body = read(modelRequestSchema, await readJson(c.req.raw, 20_000_000), 'the model call');
        // A body can be long in coming: only what holds after it counts.
        const { agent } = await credentials.check(token, 'model');
        const model = modelFor(upstream.maker, agent.spec);
        const actor = { kind: 'agent', id: agent.agentId } as const;
        await deps.tally({ agentId: agent.agentId }, { actor, action: 'model.call', target: model });
        return await forward(c.req.raw, token, path, body, model);
      } catch (error) {
        return toProblemResponse(error, deps.requestId(), log, { hideFaults: true });
      }
    });
  }
  serve('/v1/chat/completions', ['openai', 'stand-in']);
  serve('/v1/messages', ['anthropic']);
}
