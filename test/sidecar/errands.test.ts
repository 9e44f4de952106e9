import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findInhabitants } from '../../functions/providers/infra/local-processes.ts';
import { toDelayMs } from '../../scripts/sidecar/gateway.ts';
import { agentId, ctx, openBench, separateUsers, until, type Bench } from './machine-bench.ts';
import { installStandIn } from './stand-in-openclaw.ts';

describe('the errands of a sidecar', () => {
  let bench: Bench;
  const habitat = () => ({ folder: bench.folder, ...(separateUsers ? { uid: statSync(join(bench.folder, 'state')).uid } : {}) });
  const inFolder = (...path: string[]): string => join(bench.folder, ...path);
  const read = (...path: string[]): string => readFileSync(inFolder(...path), 'utf8');
  const last = () => bench.plane.heartbeats.at(-1);
  const behave = (how: object): void => writeFileSync(inFolder('state', 'behaviour.json'), JSON.stringify(how), { mode: 0o644 });
  const resultOf = (id: string) => last()?.results.find((result) => result.id === id);
  /** Asks for one command and waits for its result. */
  async function command(id: string, kind: string, args: Record<string, string> = {}) {
    bench.plane.assign({ introduce: false, commands: [{ id, kind, args }] });
    await until(`the result of ${id}`, () => resultOf(id) !== undefined, 30_000);
    return resultOf(id);
  }

  beforeEach(async () => {
    bench = await openBench({ installation: installStandIn, heartbeatMs: 200 });
    await bench.allowJoin(1);
    await bench.provision();
    await until('readiness', () => last()?.ready === true);
  });
  afterEach(() => bench.close());

  it('are done once each, and told until the plane has taken the result', async () => {
    await expect(command('c1', 'backup', { backupId: 'b1' })).resolves.toEqual({ id: 'c1', ok: true, result: 'backup b1 is stored' });
    bench.plane.backups.clear();
    bench.plane.assign({});
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(resultOf('c1')).toMatchObject({ ok: true });
    expect(bench.plane.backups.size).toBe(0);
    bench.plane.assign({ commands: [] });
    await until('the end', () => last()?.results.length === 0);
  });

  it('fail when the sidecar ended meanwhile, and are not begun again', async () => {
    behave({ silent: true });
    bench.plane.assign({ introduce: false, commands: [{ id: 'c1', kind: 'introduce', args: {} }] });
    await until('its begin', () => existsSync(inFolder('run', 'journal')) && read('run', 'journal').includes('"c1"'));
    process.kill(findInhabitants(habitat()).sidecars[0]?.pid ?? 0, 'SIGKILL');
    await until('the death of the sidecar', () => findInhabitants(habitat()).sidecars.length === 0);
    behave({});
    await bench.provision();
    await until('the result', () => resultOf('c1') !== undefined);
    expect(resultOf('c1')).toMatchObject({ ok: false });
    expect(resultOf('c1')?.result).toContain('what came of it is not known');
  });

  it('of an unknown kind fail with a sentence', async () => {
    await expect(command('c1', 'dance')).resolves.toEqual({ id: 'c1', ok: false, result: 'this sidecar does not know how to dance' });
  });

  it('introduce the agent again, with the facts of today', async () => {
    const said = await command('c1', 'introduce');
    expect(said?.ok).toBe(true);
    expect(said?.result).toContain('Introduce yourself to Alice Example');
  });

  it('put a backup back, and leave everything as it was when that goes wrong (REQ-MAINT-06)', async () => {
    writeFileSync(inFolder('workspace', 'MEMORY.md'), 'first');
    await command('c1', 'backup', { backupId: 'b1' });
    writeFileSync(inFolder('workspace', 'MEMORY.md'), 'second');
    bench.plane.backups.set('half', (bench.plane.backups.get('b1') ?? Buffer.alloc(0)).subarray(0, 400));
    await expect(command('c2', 'restore', { backupId: 'half' })).resolves.toMatchObject({ ok: false });
    await expect(command('c3', 'restore', { backupId: 'none' })).resolves.toMatchObject({ ok: false });
    expect(read('workspace', 'MEMORY.md')).toBe('second');
    await expect(command('c4', 'restore', { backupId: 'b1' })).resolves.toMatchObject({ ok: true });
    expect(read('workspace', 'MEMORY.md')).toBe('first');
    if (separateUsers) expect(statSync(inFolder('workspace', 'MEMORY.md')).uid).toBe(habitat().uid);
    for (const left of ['fresh', 'former', 'discarded']) expect(existsSync(inFolder(left))).toBe(false);
  });

  it('put back what was there when OpenClaw does not start on what a backup held', async () => {
    behave({ exit: 1 });
    await command('c1', 'backup', { backupId: 'broken' });
    behave({});
    writeFileSync(inFolder('workspace', 'MEMORY.md'), 'kept');
    const said = await command('c2', 'restore', { backupId: 'broken' });
    expect(said).toMatchObject({ ok: false });
    expect(said?.result).toContain('what was there before is back');
    expect(read('workspace', 'MEMORY.md')).toBe('kept');
    await until('readiness again', () => last()?.ready === true);
  });

  it('upgrade OpenClaw to a version that the plane has named, after a backup and with a prompt answered', async () => {
    await expect(command('c1', 'upgrade', { version: '2.0.0', backupId: 'b1' })).resolves.toMatchObject({ ok: false });
    await until('the offer', () => bench.infra.offer(agentId, '2.0.0', ctx));
    const said = await command('c2', 'upgrade', { version: '2.0.0', backupId: 'b2' });
    expect(said).toEqual({ id: 'c2', ok: true, result: 'OpenClaw 2.0.0 is in force' });
    expect([...bench.plane.backups.keys()]).toEqual(['b2']);
    expect(last()?.openclaw).toBe('2.0.0');
    await bench.infra.restart(agentId, ctx);
    await until('the same version', () => read('state', 'versions').trim().split('\n').slice(-2).join() === '2.0.0,2.0.0');
  });

  it.each([
    ['refuses its config before the switch', { issues: [{ path: 'gateway', message: 'Unrecognized key' }] }, 'gateway: Unrecognized key'],
    ['refuses its config at the start', { exit: 78 }, 'OpenClaw refuses its configuration'],
    ['ends', { exit: 1 }, 'OpenClaw ended with code 1'],
    ['answers no prompt', { error: 500 }, 'its gateway answers 500'],
  ])('roll an upgrade back when the new OpenClaw %s', async (_what, how, reason) => {
    behave({ '2.0.0': how });
    await until('the offer', () => bench.infra.offer(agentId, '2.0.0', ctx));
    const said = await command('c1', 'upgrade', { version: '2.0.0', backupId: 'b1' });
    expect(said?.ok).toBe(false);
    expect(said?.result).toContain(reason);
    await until('readiness again', () => last()?.ready === true && last()?.openclaw === '1.0.0');
    expect(read('state', 'versions').trim().split('\n').at(-1)).toBe('1.0.0');
  });

  it('leave a broken channel alone: it shows, the agent answers, nothing is started again', async () => {
    behave({ unready: true });
    await until('the sight of it', () => last()?.ready === false, 20_000);
    bench.plane.assign({ introduce: false, messages: [{ id: 'm1', text: 'Are you there?' }] });
    await until('an answer', () => last()?.answers.length === 1);
    expect(last()).toMatchObject({ live: true, ready: false, restarts: 0, detail: 'OpenClaw works, but not all of its channels do' });
    expect(read('state', 'starts').trim().split('\n')).toHaveLength(1);
  }, 30_000);

  it('say why OpenClaw refuses its configuration', async () => {
    behave({ exit: 78, issues: [{ path: 'tools', message: 'Unrecognized key: "x"' }] });
    await bench.infra.restart(agentId, ctx);
    await until('the reason', () => last()?.detail === 'OpenClaw refuses its configuration: tools: Unrecognized key: "x"');
  });

  it('tell the agent what the plane has to say, once each', async () => {
    bench.plane.assign({ introduce: false, notices: [{ id: 'n1', text: 'An admin approved exec.' }] });
    await until('the word that it was told', () => last()?.told.includes('n1') === true);
    bench.plane.assign({ notices: [] });
    await until('its end', () => last()?.told.length === 0);
  });
});

describe('the pauses between restarts', () => {
  it('grow from one second to five minutes', () => {
    expect([1, 2, 3, 4, 5, 6].map(toDelayMs)).toEqual([1_000, 4_000, 16_000, 64_000, 256_000, 300_000]);
  });
});
