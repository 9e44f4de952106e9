import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PlaneError } from '../../functions/core/errors.ts';
import type { AgentComputeSpec } from '../../functions/core/providers.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';
import { findInhabitants, listEntries } from '../../functions/providers/infra/local-processes.ts';
import { createLocalInfra, type LocalInfraOptions } from '../../functions/providers/infra/local.ts';
import { toInstallFailure } from '../../functions/providers/infra/locked-install.ts';
import type { Installation } from '../../functions/providers/infra/openclaw-install.ts';
import { infraConformance } from '../conformance/infra.ts';

const root = process.platform === 'linux' && process.geteuid?.() === 0;
const ctx: Ctx = { signal: new AbortController().signal, log: { info: () => undefined, warn: () => undefined } };
const agentId = 'aaaaaaaaaaaaaaa2';

/** Takes the machine's lock as the real sidecar does, starts one process as the agent that counts, and never ends it. */
const sidecar = `
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
const folder = process.argv[2];
const lock = new DatabaseSync(folder + '/run/sidecar.lock', { timeout: 0 });
try { lock.exec('BEGIN EXCLUSIVE'); } catch { process.exit(0); }
const { uid, environment } = JSON.parse(readFileSync(folder + '/machine.json', 'utf8'));
const shell = ['sh', '-c', environment.script];
const [command, ...args] = uid === undefined ? shell : ['setpriv', '--reuid', uid, '--regid', uid, '--clear-groups', ...shell].map(String);
spawn(command, args, { cwd: folder + '/workspace', env: { PATH: process.env.PATH, OPENCLAW_STATE_DIR: folder + '/state' }, stdio: 'ignore', detached: true });
console.log(new Date().toISOString() + ' the sidecar runs');
setInterval(() => undefined, 1000);
`;

const counting = 'i=0; while :; do i=$((i+1)); echo $i > count; sleep 0.01; done';

const arrangements = [
  ['users of their own', true],
  ['the plane’s own user', false],
] as const;

// Users of their own need root on Linux.
describe.each(arrangements.filter(([, separateUsers]) => root || !separateUsers))('agents with %s', (what, separateUsers) => {
  let home: string;

  const start = (more: Partial<LocalInfraOptions> & { script?: string } = {}) => {
    const bundle = join(home, 'sidecar.mjs');
    writeFileSync(bundle, sidecar);
    const openclaw = { version: '1.0.0', node: process.execPath, entry: '' };
    return createLocalInfra({
      planeId: 'acme',
      machinesDir: join(home, 'machines'),
      hostDir: separateUsers ? '/var/lib/agents-plane' : join(home, 'host'),
      runtimeDir: join(home, 'runtime'),
      manifestDir: '',
      sidecar: { bundle, environment: { script: more.script ?? counting } },
      separateUsers,
      log: ctx.log,
      installation: { ready: () => openclaw, ensure: async () => openclaw },
      known: ['1.0.0', '2.0.0'],
      installationOf(version) {
        if (!['1.0.0', '2.0.0'].includes(version)) throw new PlaneError('preconditionFailed', `there is no ${version}`);
        return { ready: () => ({ ...openclaw, version }), ensure: async () => ({ ...openclaw, version }) };
      },
      ...more,
    });
  };
  const spec: AgentComputeSpec = { planeId: 'acme', agentId, machineType: 'e2-medium', region: 'local', diskSizeGb: 20, labels: {} };
  const folder = () => join(home, 'machines', agentId);
  const habitat = () => ({ folder: folder(), ...(separateUsers ? { uid: statSync(join(folder(), 'state')).uid } : {}) });
  const count = (): number => Number(readFileSync(join(folder(), 'workspace', 'count'), 'utf8'));
  async function until(fact: string, holds: () => boolean): Promise<void> {
    for (const end = Date.now() + 10_000; !holds();) {
      if (Date.now() > end) throw new Error(`waited for: ${fact}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  const counts = (): boolean => existsSync(join(folder(), 'workspace', 'count')) && count() > 0;

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'agents-plane-infra-'));
    chmodSync(home, 0o755);
  });
  afterEach(async () => {
    const infra = start();
    await infra.deprovision(agentId, ctx);
    await infra.removePrincipal(agentId, ctx);
    rmSync(home, { recursive: true, force: true });
  });

  infraConformance(`this host, with ${what}`, async () => ({
    infra: start(),
    other: start({ planeId: 'other' }),
    planeId: 'acme',
    otherPlaneId: 'other',
    close: async () => undefined,
  }));

  it('powers off, keeps the machine, and provision starts it again', async () => {
    const infra = start();
    await infra.ensurePrincipal(agentId, ctx);
    await infra.provision(spec, ctx);
    await until('the agent counts', counts);
    await infra.powerOff(ctx);
    expect(findInhabitants(habitat())).toEqual({ sidecars: [], others: [] });
    expect(await infra.status(agentId, ctx)).toMatchObject({ state: 'stopped' });
    const counted = count();
    await infra.provision(spec, ctx);
    await until('the agent counts on', () => count() !== counted && findInhabitants(habitat()).sidecars.length === 1);
  });

  it('starts a machine anew that was set up for another address of the plane', async () => {
    const before = start();
    await before.ensurePrincipal(agentId, ctx);
    await before.provision(spec, ctx);
    await until('the agent counts', counts);
    const [old] = findInhabitants(habitat()).sidecars;
    const moved = start({ script: `${counting} # elsewhere` });
    expect(await moved.status(agentId, ctx)).toMatchObject({ state: 'stopped' });
    await moved.provision(spec, ctx);
    await until('a new sidecar', () => findInhabitants(habitat()).sidecars.some(({ pid }) => pid !== old?.pid));
    expect(findInhabitants(habitat()).sidecars).toHaveLength(1);
    expect(await moved.status(agentId, ctx)).toMatchObject({ state: 'running' });
  });

  it('never has two sidecars, whoever provisions at the same time', async () => {
    await start().ensurePrincipal(agentId, ctx);
    await Promise.all(Array.from({ length: 10 }, () => start().provision(spec, ctx)));
    await until('work', counts);
    await until('the losers to end', () => findInhabitants(habitat()).sidecars.length === 1);
    expect(findInhabitants(habitat()).others.length).toBeLessThanOrEqual(2);
  });

  it('finds again what a plane that was killed has started', async () => {
    const infra = start();
    await infra.ensurePrincipal(agentId, ctx);
    await infra.provision(spec, ctx);
    await until('work', counts);
    const [before] = findInhabitants(habitat()).sidecars;
    const next = start();
    await expect(next.status(agentId, ctx)).resolves.toMatchObject({ state: 'running' });
    await next.provision(spec, ctx);
    expect(findInhabitants(habitat()).sidecars.map(({ pid }) => pid)).toEqual([before?.pid]);

    process.kill(before?.pid ?? 0, 'SIGKILL');
    await until('its death', () => findInhabitants(habitat()).sidecars.length === 0);
    await expect(next.status(agentId, ctx)).resolves.toMatchObject({ state: 'stopped' });
  });

  it('stops everything at once when it freezes', async () => {
    const infra = start();
    await infra.ensurePrincipal(agentId, ctx);
    await infra.provision(spec, ctx);
    await until('work', counts);
    await infra.freeze(agentId, ctx);
    const frozenAt = readFileSync(join(folder(), 'workspace', 'count'), 'utf8');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(readFileSync(join(folder(), 'workspace', 'count'), 'utf8')).toBe(frozenAt);
    const { sidecars, others } = findInhabitants(habitat());
    expect(others.length).toBeGreaterThan(0);
    expect([...sidecars, ...others].every(({ stopped }) => stopped)).toBe(true);
  });

  it('ends an agent that multiplies', async () => {
    const infra = start({
      script:
        'spawn() { [ "$(ls | wc -l)" -lt 300 ] && : > $$-$1 && (spawn $1a & spawn $1b & sleep 60); }; echo 1 > count; spawn x & while :; do (sleep 60 &) ; sleep 0.02; done',
    });
    await infra.ensurePrincipal(agentId, ctx);
    await infra.provision(spec, ctx);
    await until('a crowd', () => existsSync(folder()) && findInhabitants(habitat()).others.length > 20);
    const where = habitat();
    await infra.deprovision(agentId, ctx);
    const { sidecars, others } = findInhabitants(where);
    expect([...sidecars, ...others]).toEqual([]);
    expect(readdirSync(join(home, 'machines')).filter((name) => name !== '.principals')).toEqual([]);
  });

  it('comes up with the version of OpenClaw that its spec names, and keeps the one it had within reach (REQ-INFRA-06)', async () => {
    const machine = () => JSON.parse(readFileSync(join(folder(), 'machine.json'), 'utf8')) as Record<string, { version: string }[]>;
    const infra = start();
    await infra.ensurePrincipal(agentId, ctx);
    await infra.provision({ ...spec, openclaw: '2.0.0' }, ctx);
    await until('work', counts);
    expect(machine()).toMatchObject({ openclaw: { version: '2.0.0' } });
    await infra.freeze(agentId, ctx);
    // The host no longer holds what the spec names: its own serves, and the sidecar still finds the one before.
    await infra.provision({ ...spec, openclaw: '3.0.0' }, ctx);
    expect(machine()).toMatchObject({ openclaw: { version: '1.0.0' }, offers: [{ version: '2.0.0' }] });
    await infra.restart(agentId, ctx);
    expect(machine()).toMatchObject({ openclaw: { version: '1.0.0' }, offers: [{ version: '2.0.0' }] });
  });

  it('reports an installation under way, and a failed one in a plain sentence without trying at once again', async () => {
    let fail: (error: Error) => void = () => undefined;
    let calls = 0;
    const installation: Installation = {
      ready: () => undefined,
      ensure(progress) {
        calls += 1;
        progress?.('installing OpenClaw: 10 %');
        return new Promise((_resolve, reject) => (fail = reject));
      },
    };
    const infra = start({ installation });
    await infra.ensurePrincipal(agentId, ctx);
    await infra.provision(spec, ctx);
    await expect(infra.status(agentId, ctx)).resolves.toMatchObject({ state: 'preparing', detail: 'installing OpenClaw: 10 %' });
    fail(new Error(toInstallFailure('OpenClaw 2026.9.6', 'npm error code EAI_AGAIN')));
    await new Promise((resolve) => setTimeout(resolve, 10));
    const detail = 'cannot install OpenClaw 2026.9.6: the npm registry cannot be reached; check the network, it is tried again';
    await expect(infra.status(agentId, ctx)).resolves.toMatchObject({ state: 'preparing', detail });
    await infra.provision(spec, ctx);
    expect(calls).toBe(1);
    // Another plane process knows of no installation: the machine is stopped, so that it is provisioned again.
    await expect(start({ installation }).status(agentId, ctx)).resolves.toMatchObject({ state: 'stopped' });
  });

  if (!separateUsers) return;

  it('keeps an agent out of another’s folder and away from its own sidecar and config', async () => {
    const infra = start();
    await infra.ensurePrincipal(agentId, ctx);
    await infra.provision(spec, ctx);
    await until('work', counts);
    const { uid } = habitat();
    const as = (user: number | undefined, ...command: string[]) =>
      spawnSync('setpriv', ['--reuid', String(user), '--regid', String(user), '--clear-groups', ...command], { encoding: 'utf8' });
    const [runner] = findInhabitants(habitat()).others;
    expect(
      listEntries()
        .find(({ pid }) => pid === runner?.pid)
        ?.uids.every((each) => each === uid),
    ).toBe(true);
    expect(as(uid, 'touch', join(folder(), 'workspace', 'mine')).status).toBe(0);
    for (const path of ['machine.json', 'run', 'run/sidecar.lock'])
      expect(as(uid, 'cat', join(folder(), path)).stderr).toContain('Permission denied');
    for (const path of ['new', 'config/openclaw.json', 'door/s.sock'])
      expect(as(uid, 'touch', join(folder(), path)).stderr).toContain('Permission denied');
    expect(as(uid, 'ls', join(home, 'machines')).stderr).toContain('Permission denied');
    expect(as(60_999, 'ls', join(folder(), 'workspace')).stderr).toContain('Permission denied');
    expect(as(uid, 'kill', '-9', String(findInhabitants(habitat()).sidecars[0]?.pid)).status).not.toBe(0);
  });

  it('is not fooled by an agent that poses as its sidecar', async () => {
    const infra = start();
    await infra.ensurePrincipal(agentId, ctx);
    await infra.provision(spec, ctx);
    await until('work', counts);
    const { uid } = habitat();
    process.kill(findInhabitants(habitat()).sidecars[0]?.pid ?? 0, 'SIGKILL');
    const poser = spawn(
      'setpriv',
      [
        '--reuid',
        String(uid),
        '--regid',
        String(uid),
        '--clear-groups',
        process.execPath,
        '-e',
        'setInterval(()=>{},1e3)',
        'sidecar.mjs',
        folder(),
      ],
      { stdio: 'ignore', cwd: '/' },
    );
    await until('the poser', () => listEntries().some(({ pid, argv }) => pid === poser.pid && argv.includes(folder())));
    await until('its death', () => findInhabitants(habitat()).sidecars.length === 0);
    await expect(infra.status(agentId, ctx)).resolves.toMatchObject({ state: 'stopped' });
  });

  it('never gives one uid twice, and takes back those of folders that are gone', async () => {
    const homes = Array.from({ length: 6 }, (_, index) => join(home, `plane-${index}`));
    for (const each of homes) mkdirSync(each);
    const planes = homes.map((machinesDir) => start({ machinesDir }));
    await Promise.all(planes.map((infra) => infra.ensurePrincipal(agentId, ctx)));
    const ids = await Promise.all(planes.map(async (infra) => (await infra.principal(agentId, ctx))?.id ?? ''));
    expect(new Set(ids).size).toBe(homes.length);
    for (const each of homes) rmSync(each, { recursive: true });
    await start().ensurePrincipal(agentId, ctx);
    const claims = readdirSync('/var/lib/agents-plane/principals').filter((name) => name.endsWith('.json'));
    const left = claims.filter((name) => readFileSync(join('/var/lib/agents-plane/principals', name), 'utf8').includes(`${home}/plane-`));
    expect(left).toEqual([]);
  });

  it('keeps the principal while its machine is there', async () => {
    const infra = start();
    await infra.ensurePrincipal(agentId, ctx);
    await infra.provision(spec, ctx);
    await expect(infra.removePrincipal(agentId, ctx)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
