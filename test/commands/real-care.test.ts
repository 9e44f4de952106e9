import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { readPlaneFile } from '../../scripts/local/plane-file.ts';
import { eventually, openWorld, type World } from '../http/world.ts';
import { createRunner, type Ran } from './bench.ts';

const [admin, bob] = ['admin@acme.test', 'bob@acme.test'];
const sample = readPlaneFile(join(__dirname, '../../manifests/acme.planes.yaml'));
const patienceMs = 60_000;

interface Command {
  readonly id: string;
  readonly kind: string;
  readonly args: Readonly<Record<string, string>>;
}

/** A machine that does what it is told, as far as the plane sees it: it remembers one text and runs one version. */
async function openMachine(world: World, agentId: string) {
  const join = world.credentials.mint({ kind: 'join', agentId, incarnation: 1, extra: 1, boot: 0 });
  const session = String((await world.call('POST', '/agent/join', undefined, { token: join })).body['token']);
  const held = { memory: '', version: '1.0.0', done: [] as string[] };
  const beat = (more: object = {}) =>
    world.call(
      ...(['POST', '/agent/heartbeat', undefined] as const),
      { version: 'x', live: true, ready: true, introduction: 'Hello', openclaw: held.version, ...more },
      session,
    );
  const transfer = (method: string, id = '', body?: string) =>
    fetch(`${world.url}/agent/backups/${id}`, {
      method,
      headers: { authorization: `Bearer ${session}` },
      ...(body === undefined ? {} : { body }),
    });
  async function obey({ id, kind, args }: Command): Promise<void> {
    if (kind === 'backup' || kind === 'upgrade') await transfer('PUT', args['backupId'], held.memory);
    if (kind === 'restore') held.memory = await (await transfer('GET', args['backupId'])).text();
    if (kind === 'upgrade') held.version = args['version'] ?? '';
    held.done.push(kind);
    await beat({ results: [{ id, ok: true, result: 'done' }] });
  }
  const over = new AbortController();
  async function live(): Promise<void> {
    while (!over.signal.aborted) {
      const { body } = await world.call('GET', '/agent/assignment', undefined, undefined, session);
      for (const command of (body['commands'] ?? []) as Command[]) await obey(command);
      await beat();
      await pause(100);
    }
  }
  const living = live();
  return {
    held,
    async end(): Promise<void> {
      over.abort();
      await living;
    },
  };
}

/** In order: each command is run against a whole plane, and what came of it is read from the store, the machine and the cloud. */
describe('the commands of care against a real plane', () => {
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-real-care-'));
  let world: World;
  let machine: Awaited<ReturnType<typeof openMachine>>;
  let agentId = '';
  beforeAll(async () => {
    world = await openWorld({ plane: { ...sample, spec: { ...sample.spec, drift: { default: 'alert', fields: {} } } } });
    await world.call('POST', '/v1/planes/acme/agents', admin, { ownerEmail: bob });
    agentId = await world.agentIdOf(bob);
    machine = await openMachine(world, agentId);
    await eventually('it runs', async () => (await world.store.get('statuses', agentId))?.phase === 'running', 15_000);
  }, patienceMs);
  afterAll(async () => {
    await machine.end();
    await world.close();
    rmSync(folder, { recursive: true });
  });

  async function run(...line: string[]): Promise<Ran> {
    const config = { contextsDir: folder, colors: false, url: world.url, token: world.idToken(admin) };
    return createRunner(folder, { config, random: randomUUID, now: () => Date.now(), sleep: async () => pause(100) })(line);
  }
  async function good(...line: string[]): Promise<Record<string, unknown>> {
    const { code, out, complaints } = await run(...line, '--json');
    expect({ line, code, complaints: code === 0 ? '' : complaints }).toEqual({ line, code: 0, complaints: '' });
    return JSON.parse(out) as Record<string, unknown>;
  }
  const backups = () => world.store.query('backups', 'byAgent', { equals: [agentId], limit: 10 });

  it(
    'backup keeps what the machine knows, and restore brings it back (REQ-MAINT-06)',
    async () => {
      machine.held.memory = 'what bob said in May';
      await good('backup', '--name', bob, '--dry-run');
      expect(await backups()).toEqual([]);
      await good('backup', '--name', bob);
      await eventually('the backup', async () => (await backups())[0]?.finishedAt !== undefined, 15_000);
      const [kept] = await backups();
      expect(await good('backup', 'list', '--name', bob)).toMatchObject({ backups: [{ id: kept?.id, reason: 'asked' }] });
      machine.held.memory = 'nothing at all';
      expect((await run('restore', '--name', bob, '--backup', 'none', '--yes')).code).toBe(5);
      await good('restore', '--name', bob, '--dry-run');
      expect(machine.held.memory).toBe('nothing at all');
      await good('restore', '--name', bob, '--yes');
      await eventually('the memory', async () => machine.held.memory === 'what bob said in May', 15_000);
      expect(machine.held.done).toEqual(['backup', 'restore']);
    },
    patienceMs,
  );

  it(
    'upgrade brings the machine to another version, and refuses one that is not published (REQ-INFRA-06)',
    async () => {
      await eventually('quiet', async () => {
        const waiting = await world.store.query('commands', 'byState', { equals: [agentId, 1, 'waiting'], limit: 10 });
        return waiting.length === 0;
      });
      expect((await run('upgrade', '--agent', bob, '--version', '9.9.9', '--yes')).code).toBe(1);
      await good('upgrade', '--agent', bob, '--version', '2.0.0', '--dry-run');
      expect((await world.store.get('agents', agentId))?.openclaw).toBeUndefined();
      expect(await good('upgrade', '--agent', bob, '--version', '2.0.0', '--yes')).toMatchObject({ state: 'done', done: 1 });
      expect(machine.held).toMatchObject({ version: '2.0.0', done: ['backup', 'restore', 'upgrade'] });
      expect(await world.store.get('upgrades', agentId)).toMatchObject({ step: 'done', from: '1.0.0', to: '2.0.0' });
      const diagnosed = JSON.parse((await run('diagnose', '--json')).out) as { versions: object };
      expect(diagnosed.versions).toMatchObject({ openclaw: [{ version: '2.0.0', agents: 1 }] });
    },
    patienceMs,
  );

  it(
    'drift tells what somebody changed behind the plane\u2019s back, and --heal puts it right (REQ-MAINT-06)',
    async () => {
      const infra = world.providersOf()?.infra;
      const ctx = { signal: AbortSignal.timeout(patienceMs), log: { info: () => undefined, warn: () => undefined } };
      const size = async () => (await infra?.status(agentId, ctx))?.machineType;
      const wanted = await size();
      expect((await run('drift', '--check')).code).toBe(0);
      await infra?.resize(agentId, { machineType: 'e2-micro' }, ctx);
      await eventually(
        'that it is seen',
        async () => {
          await world.pass(31_000, /^pass\//);
          return (await world.store.get('drifts', agentId)) !== undefined;
        },
        15_000,
      );
      expect((await run('drift', '--check')).code).toBe(3);
      expect(await good('drift', '--heal', '--dry-run')).toMatchObject({ drift: [{ agentId, field: 'machineType', found: 'e2-micro' }] });
      expect(await size()).toBe('e2-micro');
      expect(await good('drift', '--heal', '--yes')).toEqual({ agents: 1 });
      await eventually('that it is healed', async () => (await size()) === wanted, 15_000);
      await eventually('that nothing is told any more', async () => (await run('drift', '--check')).code === 0, 15_000);
    },
    patienceMs,
  );
});
