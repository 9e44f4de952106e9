import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { Hono } from 'hono';
import { createCredentials } from '../../functions/core/credentials.ts';
import { createTally } from '../../functions/core/notes.ts';
import type { CommandRecord } from '../../functions/core/records.ts';
import { mountAgentBackups } from '../../functions/http/agent-backups.ts';
import { createTokenKey } from '../../functions/keys.ts';
import { closeServers, listen } from '../wake/loopback.ts';
import { alice, bob, hourMs, openWorld, sha256, toAgent, type World } from './world.ts';

const text = 'the workspace of alice '.repeat(20_000);

describe('the door for backups', () => {
  let world: World;
  let url = '';
  let credentials: ReturnType<typeof createCredentials>;
  beforeEach(async () => {
    world = openWorld({ mostBytes: 1_000_000 });
    for (const agentId of [alice, bob]) await world.put(toAgent(agentId));
    const { store, clock, log } = world;
    credentials = createCredentials({ key: createTokenKey(randomBytes(32)), store, clock });
    const app = new Hono();
    const tally = createTally({ store, clock, hashing: world.deps.hashing });
    mountAgentBackups(app, { store, clock, log, credentials, tally, backups: world.backups, requestId: () => 'r1' });
    url = await listen(async (request) => app.fetch(request));
  });
  afterEach(async () => {
    await closeServers();
    await world.close();
  });

  const session = (agentId: string, { incarnation = 1, lastsMs = 60_000 } = {}): string =>
    credentials.mint({ kind: 'session', agentId, incarnation, extra: world.clock.now() + lastsMs });
  const send = (id: string, token: string, body: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/agent/backups/${id}`, { method: 'PUT', body, headers: { authorization: `Bearer ${token}`, ...headers } });
  const ask = (id: string, token: string) => fetch(`${url}/agent/backups/${id}`, { headers: { authorization: `Bearer ${token}` } });
  const begin = async (agentId: string) => (await world.backups.begin(toAgent(agentId), 'daily')).id;
  const order = (backupId: string, more: Partial<CommandRecord> = {}): Promise<void> =>
    world.store.transact(async (tx) =>
      tx.set('commands', 'c1', {
        ...{ id: 'c1', agentId: alice, incarnation: 1, kind: 'restore', args: { backupId }, state: 'waiting' },
        ...{ askedAt: world.clock.now(), until: world.clock.now() + hourMs, ...more },
      }),
    );
  const refusals = async (agentId: string): Promise<unknown[]> => {
    const rows = await world.store.query('audit', 'bySeq', { equals: [`agent/${agentId}`], limit: 100 });
    return rows.filter(({ action }) => action === 'access.refused').map(({ target, detail }) => [target, detail]);
  };

  it('takes an agent’s own backup and gives it back when a restore was ordered (REQ-MAINT-06)', async () => {
    const id = await begin(alice);
    const digest = `sha-256=:${Buffer.from(sha256(text), 'hex').toString('base64')}:`;
    const sent = await send(id, session(alice), text, { 'content-digest': digest });
    expect([sent.status, sent.headers.get('cache-control')]).toEqual([200, 'no-store']);
    const { bytes, sha256: stored } = (await world.store.get('backups', id)) ?? {};
    expect(await sent.json()).toEqual({ id, bytes, sha256: stored });

    expect((await ask(id, session(alice))).status).toBe(404);
    await order(id);
    const given = await ask(id, session(alice));
    expect([given.status, given.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(await given.text()).toBe(text);
    expect(await world.rows(alice)).toContain('backup.read agent');
    expect(await refusals(alice)).toEqual([[`backup ${id}`, { detail: 'no restore of it was ordered' }]]);
  });

  it('takes it once', async () => {
    const id = await begin(alice);
    expect((await send(id, session(alice), text)).status).toBe(200);
    expect((await send(id, session(alice), 'other')).status).toBe(409);
    expect(await world.read(id)).toBe(text);
  });

  it('refuses another agent’s backup, and notes it, without saying whether there is one', async () => {
    const [id, none] = [await begin(alice), 'no-such-backup'];
    expect((await send(id, session(bob), 'evil')).status).toBe(404);
    await world.backups.receive(
      id,
      (async function* () {
        yield Buffer.from(text);
      })(),
      world.ctx,
    );
    await order(id, { agentId: bob });
    const [real, unreal] = [await ask(id, session(bob)), await ask(none, session(bob))];
    const said = async (answer: Response): Promise<string> => (await answer.text()).replaceAll(id, none);
    expect([real.status, await said(real)]).toEqual([unreal.status, await said(unreal)]);
    expect(await refusals(bob)).toEqual([
      [`backup ${id}`, { detail: 'it was not begun for this machine' }],
      [`backup ${none}`, { detail: 'it is not of this agent' }],
    ]);
    expect(await refusals(alice)).toEqual([]);
    expect(await world.read(id)).toBe(text);
  });

  it('refuses the token of an earlier life and one that has expired, notes them, and notes no token that was made up', async () => {
    const id = await begin(alice);
    await world.put(toAgent(alice, { incarnation: 2 }));
    expect((await send(id, session(alice), text)).status).toBe(401);
    world.clock.pass(hourMs);
    expect((await send(id, session(alice, { incarnation: 2, lastsMs: -1 }), text)).status).toBe(401);
    expect((await send(id, session(bob).replace(bob, alice), text)).status).toBe(401);
    expect((await send(id, credentials.mint({ kind: 'model', agentId: alice, incarnation: 2, extra: 0 }), text)).status).toBe(401);
    expect((await send(id, '', text)).status).toBe(401);
    expect((await send(id, session(alice, { incarnation: 2 }), text)).status).toBe(404);
    expect(await refusals(alice)).toEqual([
      [`backup ${id}`, { detail: 'token has ended' }],
      [`backup ${id}`, { detail: 'token has ended' }],
      // In the same minute, so it waits to be counted with the next.
    ]);
    expect(world.files()).toEqual([]);
  });

  it.each([
    ['done', { state: 'done' }],
    ['given up', { until: 0 }],
    ['of another kind', { kind: 'backup' }],
    ['for an earlier life', { incarnation: 0 }],
    ['of another backup', { args: { backupId: 'other' } }],
  ] as const)('gives nothing for an order that is %s', async (_what, more) => {
    const { id } = await world.make(alice, text);
    await order(id, more);
    expect((await ask(id, session(alice))).status).toBe(404);
    expect(await world.rows(alice)).not.toContain('backup.read agent');
  });

  it('gives a former life’s backup to its owner’s new agent, and to nobody else’s', async () => {
    const { id } = await world.make(alice, text);
    await world.put(toAgent(alice, { incarnation: 2 }));
    await order(id, { incarnation: 2 });
    expect(await (await ask(id, session(alice, { incarnation: 2 }))).text()).toBe(text);
    await world.put(toAgent(alice, { incarnation: 2, ownerId: 'somebody else' }));
    world.clock.pass(20_000);
    expect((await ask(id, session(alice, { incarnation: 2 }))).status).toBe(404);
  });

  it('gives nothing of a backup that was changed', async () => {
    const { id } = await world.make(alice, text);
    await order(id);
    world.change(id, (bytes) => ((bytes[bytes.length - 30] = (bytes[bytes.length - 30] ?? 0) ^ 1), bytes));
    const answer = await ask(id, session(alice));
    expect([answer.status, (await answer.text()).includes('the workspace of alice')]).toEqual([409, false]);
  });

  it('takes nothing that is too large, whatever Content-Length says, nothing empty and nothing with a digest that is none', async () => {
    const id = await begin(alice);
    const large = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
    });
    const init = { method: 'PUT', body: large, duplex: 'half', headers: { authorization: `Bearer ${session(alice)}` } };
    const answer = await fetch(`${url}/agent/backups/${id}`, init).catch(() => undefined);
    expect(answer?.status ?? 400).toBe(400);
    expect((await send(id, session(alice), '')).status).toBe(400);
    expect((await send(id, session(alice), text, { 'content-digest': 'md5=:AAAA:' })).status).toBe(400);
    expect([world.files(), await world.backups.latest(alice)]).toEqual([[], []]);
    expect((await send(id, session(alice), text)).status).toBe(200);
  });

  it.each([
    ['with Content-Length', `content-length: 100000\r\n\r\n${'x'.repeat(50_000)}`],
    ['in chunks', `transfer-encoding: chunked\r\n\r\nc350\r\n${'x'.repeat(50_000)}\r\n`],
  ])('takes nothing of an upload %s whose sender hangs up', async (_how, rest) => {
    const id = await begin(alice);
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(`PUT /agent/backups/${id} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${session(alice)}\r\n${rest}`);
    while (!(await world.store.get('backups', id))?.attempts?.length) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    while (world.files().length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await world.store.get('backups', id))?.finishedAt).toBeUndefined();
    expect((await send(id, session(alice), text)).status).toBe(200);
  });

  it('answers paths that are no id like any other that is not there', async () => {
    for (const id of ['..%2f..%2fetc', 'a%00b', 'x'.repeat(65), '__proto__']) expect((await ask(id, session(alice))).status).toBe(404);
  });
});
