import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'yaml';
import { eventually, openWorld, type World } from '../http/world.ts';
import { createRunner, type Ran } from './bench.ts';

const [alice, bob] = ['alice@acme.test', 'bob@acme.test'];
const patienceMs = 60_000;

/** One story, in order: each command is run against a whole plane and what it left behind is read from the store. */
describe('the commands against a real plane', () => {
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-real-'));
  const file = (name: string): string => join(folder, name);
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
  }, patienceMs);
  afterAll(async () => {
    await world.close();
    rmSync(folder, { recursive: true });
  });

  async function run(...line: string[]): Promise<Ran> {
    const config = { contextsDir: folder, colors: false, url: world.url, token: world.idToken('admin@acme.test') };
    const sleep = async (): Promise<void> => pause(50);
    return createRunner(folder, { config, random: randomUUID, now: () => Date.now(), sleep })(line);
  }
  async function good(...line: string[]): Promise<Record<string, unknown>> {
    const { code, out, complaints } = await run(...line, '--json');
    expect({ line, code, complaints: code === 0 ? '' : complaints }).toEqual({ line, code: 0, complaints: '' });
    return JSON.parse(out) as Record<string, unknown>;
  }
  const agentOf = async (email: string) => world.store.get('agents', await world.agentIdOf(email));
  const phaseOf = async (email: string) => (await world.store.get('statuses', await world.agentIdOf(email)))?.phase;

  /** Has an agent join and beat, as its machine would, with its newest secrets. */
  async function beat(email: string): Promise<void> {
    const agentId = await world.agentIdOf(email);
    const { incarnation = 1, secretsVersion = 1 } = (await world.store.get('agents', agentId)) ?? {};
    const token = world.credentials.mint({ kind: 'join', agentId, incarnation, extra: Math.floor(Math.random() * 1e9), boot: 0 });
    const session = String((await world.call('POST', '/agent/join', undefined, { token })).body['token']);
    const body = { version: 'x', live: true, ready: true, introduction: 'Hello', secretsVersion: `${incarnation}.${secretsVersion}` };
    await world.call('POST', '/agent/heartbeat', undefined, body, session);
  }

  it(
    'add-agent, status, restart-agent, logs and explain',
    async () => {
      expect(await good('add-agent', '--owner', alice, '--name', 'ada', '--budget-cap', '100', '--dry-run')).toMatchObject({
        kind: 'user',
      });
      expect(await agentOf(alice)).toBeUndefined();
      await good('add-agent', '--owner', alice, '--name', 'ada', '--budget-cap', '100', '--tools', 'email,github');
      await good('add-agent', '--owner', bob);
      expect(await agentOf(alice)).toMatchObject({ name: 'ada', desired: 'running', spec: { budgetCap: 100 } });
      await world.settle();
      for (const email of [alice, bob]) await beat(email);
      await eventually('both run', async () => (await phaseOf(alice)) === 'running' && (await phaseOf(bob)) === 'running', 15_000);
      expect(await good('status', '--search', 'alice')).toMatchObject({ planes: [{ list: [{ name: 'ada', phase: 'running' }] }] });
      await good('restart-agent', '--name', 'ada');
      expect((await agentOf(alice))?.restarts).toBe(1);
      expect((await run('logs', '--name', 'ada')).code).toBe(0);
      expect((await run('explain', '--user', alice)).out).toContain('Budget is $100 a month');
    },
    patienceMs,
  );

  it(
    'pause, resume and rotate-secrets, with the operations they make',
    async () => {
      await good('pause', '--ou', '/Sales', '--reason', 'fair', '--dry-run');
      expect((await agentOf(bob))?.paused).toBeUndefined();
      await good('pause', '--ou', '/Sales', '--reason', 'fair');
      expect([(await agentOf(bob))?.paused?.reason, (await agentOf(alice))?.paused]).toEqual(['fair', undefined]);
      await good('resume', '--ou', '/Sales', '--detach');
      expect(await good('operations')).toMatchObject({ operations: [{ kind: 'resume' }, { kind: 'pause', state: 'done' }] });
      await eventually('bob is resumed', async () => (await agentOf(bob))?.paused === undefined);
      const before = (await agentOf(alice))?.secretsVersion ?? 0;
      const { id } = await good('rotate-secrets', '--agent', 'ada', '--detach');
      await eventually('new secrets', async () => ((await agentOf(alice))?.secretsVersion ?? 0) > before, 15_000);
      await good('operations', 'cancel', String(id));
    },
    patienceMs,
  );

  it(
    'get, plan, apply, and a plan that went stale',
    async () => {
      writeFileSync(file('planes.yaml'), (await run('get')).out);
      expect((await run('apply', '-f', file('planes.yaml'), '--yes')).out).toContain('Nothing to do');
      const plan = await run('plan', '--ou', '/Sales', '--budget-cap', '60', '-o', file('plan.json'));
      expect(plan.out).toMatch(/change +bob@acme\.test +budgetCap +50 .*60/);
      await run('plan', '--ou', '/Sales', '--budget-cap', '70', '-o', file('late.json'));
      await good('apply', file('plan.json'), '--yes');
      await world.settle();
      expect((await agentOf(bob))?.spec.budgetCap).toBe(60);
      const late = await run('apply', file('late.json'), '--yes');
      expect([late.code, late.complaints]).toEqual([4, expect.stringContaining('planes plan')]);
      const sales = (parse((await run('get')).out) as { spec: { policies: { match: object; spec: object }[] } }).spec.policies;
      expect(sales.find(({ match }) => JSON.stringify(match) === '{"ou":"/Sales"}')?.spec).toMatchObject({
        budgetCap: 60,
        tools: ['email', 'crm', 'calendar'],
      });
    },
    patienceMs,
  );

  it(
    'cost-report, drift, approvals, requests, whoami and diagnose',
    async () => {
      expect(await good('cost-report', '--period', '30d')).toMatchObject({ currency: 'USD' });
      expect(await good('drift')).toMatchObject({ drift: expect.any(Array) as unknown });
      expect((await run('approvals')).out).toContain('Nothing to approve');
      expect((await run('requests')).out).toContain('No requests are waiting');
      expect(await good('whoami')).toMatchObject({ email: 'admin@acme.test', roles: expect.arrayContaining(['admin']) as unknown });
      expect(JSON.parse((await run('diagnose', '--json')).out)).toMatchObject({ checks: expect.any(Array) as unknown });
    },
    patienceMs,
  );

  it(
    'remove-agent with its receipt, and the audit log checked without the plane',
    async () => {
      await good('remove-agent', '--name', 'ada', '--yes', '--wait');
      expect(await phaseOf(alice)).toBe('removed');
      writeFileSync(file('key.pem'), (await run('audit', 'key')).out);
      writeFileSync(file('receipt.json'), (await run('receipt', '--name', alice, '--json')).out);
      expect(await run('receipt', 'verify', file('receipt.json'), '--key', file('key.pem'))).toMatchObject({ code: 0 });
      expect((await run('audit', '--agent', alice, '--user', 'admin@acme.test')).out).toContain('user.requests');
      expect((await run('audit', 'verify')).out).toContain('every row is as it was written');
      await run('audit', 'export', file('audit.ndjson'));
      expect(await run('audit', 'verify', file('audit.ndjson'), '--key', file('key.pem'))).toMatchObject({ code: 0 });
      writeFileSync(file('audit.ndjson'), readFileSync(file('audit.ndjson'), 'utf8').replace('user.requests', 'user.bequests'));
      expect((await run('audit', 'verify', file('audit.ndjson'), '--key', file('key.pem'))).code).toBe(3);
    },
    patienceMs,
  );

  it(
    'create and delete a plane',
    async () => {
      const { out } = await run('get');
      const lab = out.replace('name: acme', 'name: lab').replace('domain: acme.test', 'domain: acme.test\n    selector: { ous: [/Lab] }');
      writeFileSync(file('lab.yaml'), lab);
      await good('create', '--config', file('lab.yaml'));
      expect(await good('list')).toMatchObject({
        planes: expect.arrayContaining([expect.objectContaining({ planeId: 'lab' })]) as unknown,
      });
      await good('delete', '--plane', 'lab', '--yes');
      expect((await run('status', '--plane', 'lab')).code).toBe(5);
    },
    patienceMs,
  );
});
