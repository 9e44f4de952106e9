import { execFile } from 'node:child_process';
import { request, type Server } from 'node:http';
import { promisify } from 'node:util';
import { agentUids } from '../../functions/providers/infra/local-processes.ts';
import { readJson } from '../../functions/http/problems.ts';
import { listen, ownPages } from '../../scripts/local/server.ts';
import { freePort } from '../e2e/embedded.ts';

let server: Server;
let port: number;
const refusals: string[] = [];
const separateUsers = process.getuid?.() === 0 && process.platform === 'linux';

beforeAll(async () => {
  port = await freePort();
  server = await listen({
    ...{ port, separateUsers },
    doors: [
      { prefix: '/small', serve: async (asked) => Response.json(await readJson(asked, 1_000)) },
      { prefix: '/', serve: async () => new Response('served') },
    ],
    log: { info: () => undefined, warn: () => undefined },
    requestId: () => 'r1',
    refused: (uid, method, path) => void refusals.push(`${uid} ${method} ${path}`),
  });
});
afterAll(async () => {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
});
beforeEach(() => void refusals.splice(0));

const ask = (headers: Record<string, string> = {}, path = '/', body?: string): Promise<{ status: number | undefined; text: string }> =>
  new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const call = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
    call.on('error', reject).end(body);
  });

describe('the one port of an embedded plane', () => {
  it.each([
    ['a name rebound to 127.0.0.1', { host: 'evil.test' }],
    ['a name rebound to 127.0.0.1, with the port', { host: 'evil.test:80' }],
    ['a page from elsewhere', { origin: 'https://evil.test' }],
    ['a page without an origin', { origin: 'null' }],
    ['a page on another port', { origin: 'http://127.0.0.1:1' }],
  ])('refuses %s', async (_name, headers) => {
    const { status, text } = await ask(headers);
    expect(status).toBe(403);
    expect(text).toContain("does not come from this plane's own page");
    expect(refusals).toEqual(['page GET /']);
  });

  it.each(['127.0.0.1', 'localhost'])('serves its own page on %s, and programs', async (name) => {
    const own = `${name}:${port}`;
    expect(await ask({ host: own, origin: `http://${own}` })).toEqual({ status: 200, text: 'served' });
    expect(await ask({ host: own })).toEqual({ status: 200, text: 'served' });
    expect(refusals).toEqual([]);
  });

  it('knows its own page on port 80, which browsers do not write', () => {
    const { hosts, origins } = ownPages(80);
    expect([...hosts]).toEqual(['127.0.0.1', 'localhost']);
    expect([...origins]).toEqual(['http://127.0.0.1', 'http://localhost']);
    expect([...ownPages(8790).origins]).toEqual(['http://127.0.0.1:8790', 'http://localhost:8790']);
  });

  it.each([
    ['told beforehand', {}],
    ['in parts', { 'transfer-encoding': 'chunked' }],
  ])('refuses a body that is too large with an answer, %s', async (_name, headers) => {
    const { status, text } = await ask(headers, '/small', ' '.repeat(200_000));
    expect(status).toBe(400);
    expect(text).toContain('larger than 1000 bytes');
  });

  it('takes no connections without end', () => {
    expect(server.maxConnections).toBe(2_000);
  });
});

if (separateUsers) {
  describe('an agent with a user of its own', () => {
    async function asAgent(script: string, uid: number): Promise<unknown> {
      const as = ['--reuid', uid, '--regid', uid, '--clear-groups', process.execPath, '-e', script, port].map(String);
      const { stdout } = await promisify(execFile)('setpriv', as, { cwd: '/' });
      return JSON.parse(stdout);
    }
    const statuses = (...paths: string[]): string => `
      const ask = async (path) => (await fetch('http://127.0.0.1:' + process.argv[1] + path)).status;
      Promise.all(${JSON.stringify(paths)}.map(ask)).then((all) => console.log(JSON.stringify(all)));`;

    it.each([agentUids.first, agentUids.last])('reaches its own doors and no other: uid %i', async (uid) => {
      const asked = statuses('/agent/assignment', '/model/v1/messages', '/', '/v1/planes', '/agents');
      expect(await asAgent(asked, uid)).toEqual([200, 200, 403, 403, 403]);
      expect(refusals.sort()).toEqual(['/', '/agents', '/v1/planes'].map((path) => `${uid} GET ${path}`));
    });

    it('is refused from another address of loopback too', async () => {
      const asked = `require('node:http')
        .get({ host: '127.0.0.1', port: process.argv[1], path: '/v1/planes', localAddress: '127.0.0.2' },
          (answer) => { console.log(answer.statusCode); answer.resume(); });`;
      expect(await asAgent(asked, agentUids.first)).toBe(403);
      expect(refusals).toEqual(['undefined GET /v1/planes']);
    });

    it('holds 64 connections at most, and the others are served meanwhile and afterwards', async () => {
      const hold = `
        const sockets = Array.from({ length: 80 }, () => require('node:net').connect(process.argv[1], '127.0.0.1').on('error', () => {}));
        let closed = 0;
        for (const socket of sockets) socket.resume().on('close', () => { if (++closed === 16) setTimeout(end, 100); });
        function end() { console.log(closed); process.exit(); }`;
      const held = asAgent(hold, agentUids.first);
      expect(await ask()).toEqual({ status: 200, text: 'served' });
      expect(await asAgent(statuses('/agent/'), agentUids.last)).toEqual([200]);
      expect(await held).toBe(16);
      expect(await asAgent(statuses('/agent/'), agentUids.first)).toEqual([200]);
    });
  });
}
