import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Hono } from 'hono';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { agentId, openWorld, toAgent } from '../budget/world.ts';

/*
 * What the gateway adds to a call, beside a bare proxy that only passes it on, in turns of the same run: one caller, and fifty of
 * one owner. Each call reserves before it leaves and settles at its end, each durable in SQLite.
 * `node test/bench/gateway.bench.ts [folder]`; the folder says which disk is measured.
 */
const rounds = 8;
const roundMs = 1_000;
const warmUpMs = 1_000;
const body = JSON.stringify({
  ...{ model: 'x', stream: true, max_tokens: 500 },
  messages: [{ role: 'user', content: 'Please tell me what is in my calendar. '.repeat(100) }],
});

/** A maker in a process of its own: twenty pieces, then the usage. */
function serveMaker(): void {
  const event = (part: object): string => `data: ${JSON.stringify(part)}\n\n`;
  const pieces = Array.from({ length: 20 }, () => event({ choices: [{ index: 0, delta: { content: 'word ' } }], usage: null }));
  const usage = event({ choices: [], usage: { prompt_tokens: 1_000, completion_tokens: 20 } });
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const piece of pieces) response.write(piece);
      response.end(`${usage}data: [DONE]\n\n`);
    });
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
const show = (ms: number): string => `${ms.toFixed(2)} ms`;

async function measure(call: () => Promise<Response>, callers: number, ms: number): Promise<number[]> {
  const endsAt = performance.now() + ms;
  const took: number[] = [];
  const lane = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      const began = performance.now();
      const answer = await call();
      const text = await answer.text();
      if (!text.endsWith('data: [DONE]\n\n') || answer.headers.has('x-agents-plane'))
        throw new Error(`no answer: ${answer.status} ${text}`);
      took.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: callers }, lane));
  return took;
}

async function run(): Promise<void> {
  const maker = fork(process.argv[1] ?? '', ['maker'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [port] = (await once(maker, 'message')) as [number];
  const baseUrl = `http://127.0.0.1:${port}`;
  const folder = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'plane-bench-'));
  const store = openSqliteStore({ file: join(folder, 'plane.db') });
  await store.transact(async (tx) => tx.set('agents', agentId, toAgent(1_000_000)));
  const world = openWorld(store, { maker: 'openai', key: 'k', baseUrl });
  const proxy = new Hono();
  proxy.post('*', async (c) => {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${baseUrl}${c.req.path.replace('/model', '')}`, { method: 'POST', headers, body: await c.req.text() });
    return new Response(answer.body, { status: answer.status, headers: { 'content-type': answer.headers.get('content-type') ?? '' } });
  });
  const path = '/model/v1/chat/completions';
  const arms = { bare: async () => proxy.request(path, { method: 'POST', body }), gateway: () => world.call(path, parsed) };
  const parsed = JSON.parse(body) as object;
  for (const callers of [1, 50]) {
    const took: Record<keyof typeof arms, number[]> = { bare: [], gateway: [] };
    for (const arm of ['bare', 'gateway'] as const) await measure(arms[arm], callers, warmUpMs);
    for (let round = 0; round < rounds; round += 1)
      for (const arm of ['bare', 'gateway'] as const) took[arm].push(...(await measure(arms[arm], callers, roundMs)));
    const [bare, gateway] = [took.bare, took.gateway].map((all) => all.sort((a, b) => a - b));
    if (!bare || !gateway) continue;
    const line = (share: number): string =>
      `${show(at(bare, share))} bare, ${show(at(gateway, share))} gateway, ${show(at(gateway, share) - at(bare, share))} added`;
    console.log(`${callers} callers, ${bare.length} and ${gateway.length} calls: median ${line(0.5)}; p99 ${line(0.99)}`);
  }
  await store.close();
  maker.kill();
  rmSync(folder, { recursive: true });
}

if (process.argv[2] === 'maker') serveMaker();
else await run();
