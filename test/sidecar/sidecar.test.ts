import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findInhabitants } from '../../functions/providers/infra/local-processes.ts';
import { agentId, ctx, openBench, separateUsers, until, type Bench } from './machine-bench.ts';
import { installStandIn } from './stand-in-openclaw.ts';

describe('the sidecar', () => {
  let bench: Bench;
  const habitat = () => ({ folder: bench.folder, ...(separateUsers ? { uid: statSync(join(bench.folder, 'state')).uid } : {}) });
  const read = (...path: string[]): string => readFileSync(join(bench.folder, ...path), 'utf8');
  const last = () => bench.plane.heartbeats.at(-1);

  beforeEach(async () => {
    bench = await openBench({ installation: installStandIn });
    await bench.allowJoin(1);
    await bench.provision();
  });
  afterEach(() => bench.close());

  it('joins, starts the gateway, has the agent introduce itself, and answers its owner once', async () => {
    await until('an introduction', () => last()?.introduction !== undefined);
    expect(last()).toMatchObject({ live: true, ready: true, version: 'v1' });
    expect(last()?.introduction).toContain(`openclaw/${agentId} | agent:${agentId}:main | Follow BOOTSTRAP.md now`);
    expect(read('workspace', 'BOOTSTRAP.md')).toContain('- owner: Alice Example');

    bench.plane.assign({ introduce: false, messages: [{ id: 'm1', text: 'What is on today?' }] });
    await until('an answer', () => last()?.answers.length === 1);
    expect(last()?.answers).toEqual([{ id: 'm1', text: `openclaw/${agentId} | agent:${agentId}:main | What is on today?` }]);
    expect(last()?.introduction).toBeUndefined();
    expect(existsSync(join(bench.folder, 'workspace', 'BOOTSTRAP.md'))).toBe(false);

    bench.plane.assign({ messages: [] });
    await until('the answer to be taken', () => last()?.version === 'v3' && last()?.answers.length === 0);
  });

  it('keeps secrets out of files, and gives an agent its own two alone', async () => {
    await until('readiness', () => last()?.ready === true);
    expect(read('state', 'given')).toBe('gateway/token model/apiKey\n');
    const key = await bench.secrets.get('model/apiKey', agentId, ctx);
    for (const file of ['config/openclaw.json', 'machine.json', 'resolver', 'resolver.mjs', 'run/sidecar.log', 'run/gateway.log']) {
      expect(read(file)).not.toContain(key);
    }
  });

  it('writes a change of policy into the config of the running gateway', async () => {
    await until('readiness', () => last()?.ready === true);
    const starts = read('state', 'starts');
    bench.plane.assign({ tools: ['exec'] });
    await until('the new version', () => last()?.version === 'v2');
    expect((JSON.parse(read('config', 'openclaw.json')) as { tools: { alsoAllow: string[] } }).tools.alsoAllow).toContain('exec');
    expect(read('state', 'starts')).toBe(starts);
  });

  it('uses its session again after its own death, ends the gateway it left, and never brings BOOTSTRAP.md back', async () => {
    await until('readiness', () => last()?.ready === true);
    bench.plane.assign({ introduce: false });
    await until('the end of the introduction', () => last()?.version === 'v2');
    const before = findInhabitants(habitat());
    process.kill(before.sidecars[0]?.pid ?? 0, 'SIGKILL');
    await until('the death of the sidecar', () => findInhabitants(habitat()).sidecars.length === 0);
    expect(findInhabitants(habitat()).others.map(({ pid }) => pid)).toEqual(before.others.map(({ pid }) => pid));
    await expect(bench.infra.status(agentId, ctx)).resolves.toMatchObject({ state: 'stopped' });

    bench.plane.heartbeats.length = 0;
    await bench.provision();
    await until('readiness again', () => last()?.ready === true);
    const after = findInhabitants(habitat());
    expect(after.others.map(({ pid }) => pid)).not.toContain(before.others[0]?.pid);
    expect(bench.plane.calls.filter((call) => call === 'POST /agent/join')).toHaveLength(1);
    expect(existsSync(join(bench.folder, 'workspace', 'BOOTSTRAP.md'))).toBe(false);
  });

  it('joins anew with the next token when its session is refused, and never shows a token twice', async () => {
    await until('readiness', () => last()?.ready === true);
    bench.plane.sessions.clear();
    bench.plane.heartbeats.length = 0;
    await until('a refusal', () => bench.plane.calls.slice(-2).some((call) => call.startsWith('POST /agent/heartbeat')));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(bench.plane.calls.filter((call) => call === 'POST /agent/join')).toHaveLength(1);
    await bench.allowJoin(2);
    await until('a heartbeat', () => bench.plane.heartbeats.length > 0);
    expect(bench.plane.calls.filter((call) => call === 'POST /agent/join')).toHaveLength(2);
  });

  it('does not loop on a config that OpenClaw refuses, and says so', async () => {
    await until('readiness', () => last()?.ready === true);
    writeFileSync(join(bench.folder, 'state', 'behaviour.json'), '{"exit":78}', { mode: 0o644 });
    await bench.infra.restart(agentId, ctx);
    await until('the refusal', () => last()?.detail?.includes('refuses its configuration') === true);
    const starts = read('state', 'starts');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(read('state', 'starts')).toBe(starts);
    expect(last()).toMatchObject({ live: false, ready: false });
  });

  it('starts a gateway again that ended by itself', async () => {
    await until('readiness', () => last()?.ready === true);
    const [gateway] = findInhabitants(habitat()).others;
    process.kill(gateway?.pid ?? 0, 'SIGKILL');
    await until('the fall', () => last()?.ready === false);
    await until('readiness again', () => last()?.ready === true);
    expect(read('state', 'starts').trim().split('\n')).toHaveLength(2);
  });

  it('takes its gateway along on SIGTERM', async () => {
    await until('readiness', () => last()?.ready === true);
    process.kill(findInhabitants(habitat()).sidecars[0]?.pid ?? 0, 'SIGTERM');
    await until('silence', () => {
      const { sidecars, others } = findInhabitants(habitat());
      return sidecars.length + others.length === 0;
    });
  });

  if (process.platform === 'linux')
    it('stays small', async () => {
      await until('an introduction', () => last()?.introduction !== undefined);
      const status = readFileSync(`/proc/${findInhabitants(habitat()).sidecars[0]?.pid}/status`, 'utf8');
      const residentKib = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
      expect(residentKib).toBeLessThan(60 * 1024);
    });
});
