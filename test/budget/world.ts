import type { ModelTier } from '../../shared/agent.ts';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import type { WhenExhausted } from '../../shared/budget.ts';
import { createBudget, type Budget } from '../../functions/budget/budget.ts';
import { createCredentials } from '../../functions/core/credentials.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import type { Store } from '../../functions/core/store.ts';
import type { Clock } from '../../functions/core/surroundings.ts';
import { createTokenKey, systemClock } from '../../functions/keys.ts';
import { mountModelGateway, type Upstream } from '../../functions/model/gateway.ts';

export const hashing = { sha256: (text: string): string => createHash('sha256').update(text).digest('hex') };
export const log = { info: () => undefined, warn: () => undefined };
export const agentId = 'aaaaaaaaaaaaaaaa';

export const toAgent = (budgetCap: number, more: Partial<AgentRecord> = {}): AgentRecord =>
  ({
    ...{ agentId, planeId: 'acme', ownerId: '1001', ownerEmail: 'alice@acme.test', ouPath: '/Engineering', name: 'Ada' },
    ...{ desired: 'running', incarnation: 1, secretsVersion: 0, spec: { modelTier: 'sonnet', budgetCap } },
    ...more,
  }) as AgentRecord;

export const openBudget = (store: Store, clock: Clock = systemClock, woken: string[] = []): Budget =>
  createBudget({ store, clock, hashing, log, random: () => randomUUID(), wake: { wake: (key) => void woken.push(key) } });

export interface World {
  readonly budget: Budget;
  readonly notes: { readonly action: string; readonly target: string }[];
  readonly call: (path: string, body: object, more?: RequestInit & { token?: string }) => Promise<Response>;
  readonly credentials: ReturnType<typeof createCredentials>;
}

/** A gateway over a store; nothing of it is kept in the store but what the gateway itself puts there. */
export function openWorld(
  store: Store,
  upstream: Upstream,
  {
    clock = systemClock,
    whenExhausted = 'pause',
    id = agentId,
    models = {},
  }: { clock?: Clock; whenExhausted?: WhenExhausted; id?: string; models?: Partial<Record<ModelTier, string>> } = {},
): World {
  const credentials = createCredentials({ key: createTokenKey(Buffer.alloc(32)), store, clock });
  const notes: World['notes'] = [];
  const budget = openBudget(store, clock);
  const app = new Hono();
  mountModelGateway(app, {
    ...{ credentials, upstream, clock, budget, log, requestId: () => randomUUID() },
    tally: async (_scope, { action, target }) => void notes.push({ action, target }),
    sleep: (ms, signal) => sleep(ms / 10, undefined, { signal }).catch(() => undefined),
    termsOf: () => ({ timeZone: 'UTC', whenExhausted, models }),
  });
  const mine = credentials.mint({ kind: 'model', agentId: id, incarnation: 1, extra: 0 });
  return {
    ...{ budget, notes, credentials },
    async call(path, body, { token = mine, headers = {}, ...init } = {}) {
      const sent = { authorization: `Bearer ${token}`, ...headers };
      return app.request(path, { method: 'POST', body: JSON.stringify(body), ...init, headers: sent });
    },
  };
}

/** gpt-5.1 as its maker bills it, in nano-dollars per token; typed anew, so that a wrong row in the table is found. */
const billed = { input: 1250, cached: 125, output: 10_000 };

export interface Maker {
  readonly upstream: Upstream;
  /** What the maker bills for all that it served, in nano-dollars. */
  billedNanos(): number;
  served(): number;
  close(): Promise<void>;
}

/**
 * A maker on loopback that answers with as many tokens as chance says, cuts some answers, fails some, and bills what it served
 * even where nobody hears of it.
 */
export async function openMaker(random: () => number): Promise<Maker> {
  let [nanos, served] = [0, 0];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks);
      const body = JSON.parse(text.toString()) as { stream?: boolean; max_completion_tokens: number };
      const chance = random();
      if (chance < 0.05) return response.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{"message":"overloaded"}}');
      const input = Math.ceil(random() * text.byteLength);
      const cached = Math.floor(random() * input);
      const output = Math.ceil(random() ** 0.5 * body.max_completion_tokens);
      nanos += (input - cached) * billed.input + cached * billed.cached + output * billed.output;
      served += 1;
      const usage = { prompt_tokens: input, completion_tokens: output, prompt_tokens_details: { cached_tokens: cached } };
      if (!body.stream) {
        if (chance < 0.1) return response.socket?.destroy();
        return void setTimeout(
          () => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ usage })),
          random() * 20,
        );
      }
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const send = (part: object) => response.write(`data: ${JSON.stringify(part)}\n\n`);
      send({ choices: [{ index: 0, delta: { content: 'Hi' } }], usage: null });
      setTimeout(() => {
        if (chance < 0.15) return response.socket?.destroy();
        send({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: null });
        send({ choices: [], usage });
        return response.end('data: [DONE]\n\n');
      }, random() * 20);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', 2_000, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    upstream: { maker: 'openai', key: 'the-company-key', baseUrl: `http://127.0.0.1:${port}` },
    billedNanos: () => nanos,
    served: () => served,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
