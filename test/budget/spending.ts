import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { systemClock } from '../../functions/keys.ts';
import { openSqliteStore } from '../../functions/store/sqlite.ts';
import { agentId, openWorld, toAgent } from './world.ts';

// A gateway process with sixteen callers that never stop, until it is killed. argv: store file, maker's port.
const store = openSqliteStore({ file: process.argv[2] ?? '' });
await store.transact(async (tx) => tx.set('agents', agentId, toAgent(1)));
const upstream = { maker: 'openai', key: 'the-company-key', baseUrl: `http://127.0.0.1:${process.argv[3]}` } as const;
const world = openWorld(store, upstream, { clock: systemClock });
async function askForEver(): Promise<never> {
  for (;;) {
    const body = { model: randomUUID(), stream: Math.random() < 0.5, max_tokens: 500, messages: [{ role: 'user', content: 'Hello' }] };
    const answer = await world.call('/model/v1/chat/completions', body);
    await answer.text().catch(() => undefined);
    writeSync(1, `${answer.headers.get('x-agents-plane') ?? answer.status}\n`);
  }
}
await Promise.all(Array.from({ length: 16 }, askForEver));
