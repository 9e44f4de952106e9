import { homedir } from 'node:os';
import { join } from 'node:path';
import { serve, type ServerType } from '@hono/node-server';
import { Hono } from 'hono';
import { mountModelGateway } from '../../functions/model/gateway.ts';
import { createInstallation } from '../../functions/providers/infra/openclaw-install.ts';
import { systemClock } from '../../functions/keys.ts';
import { log, openBudget, toAgent } from '../budget/world.ts';
import { openBench, repository, separateUsers, until, type Bench } from '../sidecar/machine-bench.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { openLoopbackMaker, type LoopbackMaker } from '../model/maker.ts';

/** The real OpenClaw: installed once per host, 25 s of CPU to ready, then a slow first turn. */
const patienceMs = 240_000;
const runtimeDir = separateUsers
  ? '/var/cache/agents-plane'
  : join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'agents-plane');

describe('the real OpenClaw at the end of its budget', () => {
  let [bench, server, maker]: [Bench | undefined, ServerType | undefined, LoopbackMaker | undefined] = [undefined, undefined, undefined];
  afterEach(async () => {
    await bench?.close();
    await maker?.close();
    server?.close();
  }, 30_000);

  it.each(['openai', 'anthropic'] as const)(
    'shows the owner the plain sentence, by the shape of %s',
    async (name) => {
      const installation = createInstallation({ manifestDir: join(repository, 'manifests', 'machine', 'openclaw'), runtimeDir });
      await installation.ensure();
      const store = createMemoryStore();
      maker = await openLoopbackMaker();
      const app = new Hono();
      const notes: string[] = [];
      mountModelGateway(app, {
        ...{ clock: systemClock, log, budget: openBudget(store), requestId: () => 'r', sleep: async () => undefined },
        upstream: { maker: name, key: 'k', baseUrl: maker.baseUrl },
        credentials: { mint: () => '', check: async () => ({ agent: toAgent(0), extra: 0, boot: 0 }) },
        tally: async (_scope, { action }) => void notes.push(action),
        termsOf: () => ({ timeZone: 'UTC', whenExhausted: 'pause' }),
      });
      const port = await new Promise<number>((resolve) => {
        server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (address) => resolve(address.port));
      });
      const url = `http://127.0.0.1:${port}/model`;
      const terms =
        name === 'openai'
          ? ({ api: 'openai-completions', baseUrl: `${url}/v1` } as const)
          : ({ api: 'anthropic-messages', baseUrl: url } as const);
      bench = await openBench({
        installation: () => installation,
        assignment: {
          model: { ...terms, id: 'sonnet', contextWindow: 128_000, maxTokens: 8_192 },
          introduce: false,
          messages: [{ id: 'm1', text: 'What is on today?' }],
        },
        heartbeatMs: 1_000,
      });
      await bench.allowJoin(1);
      await bench.provision();
      const { plane } = bench;
      await until('an answer', () => plane.heartbeats.at(-1)?.answers.length === 1, patienceMs);
      const text = plane.heartbeats.at(-1)?.answers[0]?.text;
      expect(text).toMatch(
        /^This month's budget of \$0 is used up\. If you need more before then, ask your admin; it starts again on 1 \w+\.$/,
      );
      // One call, one answer: nothing is tried again.
      expect(notes).toEqual(['model.refuse']);
      expect(maker.seen).toEqual([]);
    },
    2 * patienceMs,
  );
});
