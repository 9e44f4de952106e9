import type { Hono } from 'hono';
import { modelTiers, type AgentSpec, type ModelTier } from '../../shared/agent.ts';
import type { WhenExhausted } from '../../shared/budget.ts';
import type { Offer, Reservation } from '../budget/account.ts';
import { callMs, type Budget } from '../budget/budget.ts';
import type { Credentials } from '../core/credentials.ts';
import { PlaneError, toMessage } from '../core/errors.ts';
import type { Tally } from '../core/notes.ts';
import type { AgentRecord } from '../core/records.ts';
import type { Clock, Log } from '../core/surroundings.ts';
import { bearer, readJson, toProblemResponse } from '../http/problems.ts';
import { send, type Upstream } from './maker.ts';
import { tierModels, type ModelMaker } from './models.ts';
import { toNotice } from './notice.ts';
import { prices, toMicros, toWorstNanos, type Usage } from './prices.ts';
import { relayStream, relayWhole } from './relay.ts';
import { endpoints, parseCall, type Endpoint, type ModelCall } from './request.ts';

export type { Upstream } from './maker.ts';

export interface Terms {
  readonly timeZone: string;
  readonly whenExhausted: WhenExhausted;
  /** The models that the plane names for tiers where the agent is; ours serve the rest, and those that this maker does not have. */
  readonly models?: Partial<Record<ModelTier, string>>;
}

export interface GatewayDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly credentials: Credentials;
  readonly upstream: Upstream;
  readonly requestId: () => string;
  readonly tally: Tally;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly budget: Pick<Budget, 'reserve' | 'settle' | 'release'>;
  /** What the agent's plane says about budgets and models. */
  readonly termsOf: (agent: AgentRecord) => Terms;
}

/** How often a running answer is held against the store, in milliseconds. */
const lookMs = 500;
/** How long an answer goes on while the store cannot say whether it may, in milliseconds. */
const unknownMs = 10_000;
/** How long an answer is read on for its usage when the caller has gone, in milliseconds. */
const drainMs = 2 * 60_000;
const largestBody = 20_000_000;

/** OpenClaw's word for the wire format each maker speaks. */
export const modelApi = (maker: ModelMaker) => (maker === 'anthropic' ? 'anthropic-messages' : 'openai-completions');

/** Models that may answer, dearest first: the agent's own tier, and those below it where the plane would rather step down. */
function modelsFor(maker: ModelMaker, { modelTier }: AgentSpec, { whenExhausted, models = {} }: Terms): string[] {
  const below = modelTiers.slice(0, modelTiers.indexOf(modelTier)).toReversed();
  return [modelTier, ...(whenExhausted === 'step-down' ? below : [])].map((tier) => {
    const named = models[tier];
    return named !== undefined && prices[maker][named] ? named : tierModels[maker][tier];
  });
}

function priceOf(maker: ModelMaker, model: string) {
  const price = prices[maker][model];
  if (!price) throw new PlaneError('internal', `cannot call model ${model}: the price table has no row for it; add one`);
  return price;
}

function toOffer(maker: ModelMaker, model: string, call: ModelCall): Offer {
  const price = priceOf(maker, model);
  const worst = toWorstNanos(price, call.inputTokens, call.cacheWrites);
  const maxOutput = Math.min(call.maxOutput ?? price.maxOutput, price.maxOutput);
  const minOutput = Math.min(call.minOutput, maxOutput);
  return { model, inputNanos: worst.input, outputNanosPerToken: worst.output, maxOutput, minOutput };
}

/** A problem with a member of its own for clients of makers, who look for their errors there. */
async function toModelProblem(problem: Response): Promise<Response> {
  const body = (await problem.json()) as { detail: string; code: string };
  const error = { message: body.detail, type: body.code, code: body.code };
  return new Response(JSON.stringify({ ...body, error }), { status: problem.status, headers: problem.headers });
}

/** The only door from an agent to a model: knows the agent by its token, chooses the model by its tier, keeps its budget and the maker's key. */
export function mountModelGateway(app: Hono, deps: GatewayDeps): void {
  const { credentials, upstream, log, clock, budget } = deps;
  const { maker } = upstream;

  /**
   * Aborts as soon as the agent's key is refused, so that a suspension also ends the answer that is under way; and where nobody could
   * say for a while whether it is.
   */
  async function endWhenRefused(token: string, life: AbortController): Promise<void> {
    let knownAt = clock.now();
    while (!life.signal.aborted) {
      await deps.sleep(lookMs, life.signal);
      try {
        await credentials.check(token, 'model');
        knownAt = clock.now();
      } catch (error) {
        const refused = error instanceof PlaneError && error.code === 'unauthenticated';
        if (refused || clock.now() - knownAt >= unknownMs) life.abort();
      }
    }
  }

  async function settle(reservation: Reservation, usage: Usage | undefined): Promise<void> {
    const used = usage && {
      inputTokens: usage.input + usage.write5m + usage.write1h,
      cachedTokens: usage.cached,
      outputTokens: usage.output,
      micros: toMicros(priceOf(maker, reservation.model), usage),
    };
    // A reservation that cannot be settled now is charged whole when its time is over.
    await budget
      .settle(reservation, used)
      .catch((error: unknown) => log.warn(`cannot settle reservation ${reservation.id}: ${toMessage(error)}; it is charged whole later`));
  }

  async function answer(request: Request, token: string, call: ModelCall, reservation: Reservation): Promise<Response> {
    const life = new AbortController();
    const end = async (usage: Usage | undefined): Promise<void> => {
      life.abort();
      await settle(reservation, usage);
    };
    void endWhenRefused(token, life);
    const sent = await send(upstream, call, reservation, {
      version: request.headers.get('anthropic-version') ?? undefined,
      signal: AbortSignal.any([life.signal, clock.deadline(callMs)]),
      now: clock.now(),
    });
    if ('refused' in sent) {
      life.abort();
      await (sent.taken ? settle(reservation, undefined) : budget.release(reservation));
      await credentials.check(token, 'model');
      throw sent.refused;
    }
    const { response, taken } = sent;
    const kept = new Headers();
    for (const name of ['content-type', 'retry-after', 'request-id']) {
      const value = response.headers.get(name);
      if (value !== null) kept.set(name, value);
    }
    if (!taken) {
      try {
        return new Response(await response.text(), { status: response.status, headers: kept });
      } finally {
        life.abort();
        await budget.release(reservation);
      }
    }
    const gone = (): void => clock.deadline(drainMs).addEventListener('abort', () => life.abort(), { once: true });
    const options = { call, settle: end, gone };
    const streams = response.headers.get('content-type')?.includes('text/event-stream') === true && response.body;
    if (streams) return new Response(relayStream(streams, options), { status: response.status, headers: kept });
    const text = await relayWhole(response, options).catch(async (cause: unknown) => {
      await credentials.check(token, 'model');
      throw new PlaneError('unavailable', `cannot read the answer of the model maker ${maker}: ${toMessage(cause)}; it is tried again`, {
        cause,
      });
    });
    return new Response(text, { status: response.status, headers: kept });
  }

  async function readCall(endpoint: Endpoint, request: Request, { agentId }: AgentRecord): Promise<ModelCall> {
    try {
      return parseCall(endpoint, await readJson(request, largestBody));
    } catch (error) {
      const entry = { actor: { kind: 'agent', id: agentId }, action: 'model.refuse', target: 'request' } as const;
      if (error instanceof PlaneError && error.code === 'invalid')
        await deps.tally({ agentId }, { ...entry, detail: 'not a call that can be priced' });
      throw error;
    }
  }

  async function serve(endpoint: Endpoint, request: Request): Promise<Response> {
    const token = bearer(request) ?? request.headers.get('x-api-key') ?? '';
    const caller = await credentials.check(token, 'model');
    const { path, makers } = endpoints[endpoint];
    if (!makers.includes(maker)) throw new PlaneError('notFound', `cannot serve ${path}: this plane's models come from ${maker}`);
    const call = await readCall(endpoint, request, caller.agent);
    // A body can be long in coming: only what holds after it counts.
    const { agent } = await credentials.check(token, 'model');
    const terms = deps.termsOf(agent);
    const offers = modelsFor(maker, agent.spec, terms).map((model) => toOffer(maker, model, call));
    const note = { actor: { kind: 'agent', id: agent.agentId }, target: offers[0]?.model ?? '' } as const;
    const reserved = await budget.reserve(agent, terms.timeZone, offers);
    if (!reserved.ok) {
      const { refusal } = reserved;
      await deps.tally({ agentId: agent.agentId }, { ...note, action: 'model.refuse', detail: { ...refusal } });
      return toNotice({ refusal, call, model: note.target, now: clock.now(), id: deps.requestId() });
    }
    const { reservation } = reserved;
    try {
      await deps.tally({ agentId: agent.agentId }, { ...note, action: 'model.call', target: reservation.model });
    } catch (error) {
      await budget.release(reservation);
      throw error;
    }
    return answer(request, token, call, reservation);
  }

  for (const [endpoint, { path }] of Object.entries(endpoints) as [Endpoint, { path: string }][])
    app.post(`/model${path}`, async (c) => {
      try {
        return await serve(endpoint, c.req.raw);
      } catch (error) {
        return toModelProblem(toProblemResponse(error, deps.requestId(), log, { hideFaults: true }));
      }
    });
}
