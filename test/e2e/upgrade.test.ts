import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createInstallation } from '../../functions/providers/infra/openclaw-install.ts';
import { createTestPlane, readFields, setFields, until, type TestPlane } from './embedded.ts';

jest.setTimeout(300_000);

const [alice, bob] = ['alice@acme.test', 'bob@acme.test'];
const [before, after] = ['2026.9.5', '2026.9.6'];
const root = join(__dirname, '../..');
const manifestDir = join(root, 'manifests', 'machine', 'openclaw');
const shared =
  process.geteuid?.() === 0 ? '/var/cache/agents-plane' : join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'agents-plane');
const measured: Record<string, number> = {};

interface View {
  readonly phase: string;
  readonly openclaw: string | null;
  readonly upgrade: { readonly step: string; readonly from: string | null; readonly to: string; readonly failure: string | null } | null;
}

describe('an upgrade between two published versions of OpenClaw, on one machine', () => {
  let folder: string;
  let plane: TestPlane;

  async function call(method: string, path: string, body?: object): Promise<{ status: number; view: View }> {
    const headers = { authorization: `Bearer ${plane.token()}`, 'content-type': 'application/json' };
    const sent = body ? { body: JSON.stringify(body) } : {};
    const answer = await fetch(`${plane.url}/v1/planes/acme/agents/${path}`, { method, headers, ...sent });
    return { status: answer.status, view: (await answer.json()) as View };
  }
  const view = async (agentId: string): Promise<View> => (await call('GET', agentId)).view;
  const inMachine = (agentId: string, ...path: string[]): string => join(plane.data, 'machines', agentId, ...path);

  async function running(owner: string): Promise<string> {
    const { agentId = '' } = await until(`${owner} running`, 150_000, async () => {
      const fields = await readFields(plane, owner);
      return fields.agentStatus === 'running' && fields;
    });
    return agentId;
  }

  /** Upgrades and answers how it came out, with the steps that were seen on the way. */
  async function upgrade(agentId: string, version: string): Promise<{ seen: string[]; ended: View }> {
    const seen: string[] = [];
    expect((await call('POST', `${agentId}/upgrade`, { version })).status).toBe(202);
    const ended = await until('the end of the upgrade', 200_000, async () => {
      const now = await view(agentId);
      if (now.upgrade && seen.at(-1) !== now.upgrade.step) seen.push(now.upgrade.step);
      return ['done', 'rolledBack', 'failed'].includes(now.upgrade?.step ?? '') && now;
    });
    return { seen, ended };
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'agents-plane-upgrade-'));
    chmodSync(folder, 0o755);
    const cache = join(folder, 'cache');
    mkdirSync(cache);
    for (const version of [before, after]) {
      const { entry } = await createInstallation({ manifestDir, runtimeDir: shared, version }).ensure();
      const installed = dirname(dirname(dirname(entry)));
      symlinkSync(installed, join(cache, basename(installed)));
    }
    const config = join(folder, 'planes.yaml');
    const sample = readFileSync(join(root, 'manifests', 'acme.planes.yaml'), 'utf8');
    writeFileSync(config, sample.replace(/^spec:$/m, `spec:\n  openclaw: { version: ${before} }`));
    plane = await createTestPlane(['--config', config, '--cache', cache]);
    await plane.start();
  });
  afterAll(async () => {
    process.stderr.write(`\nmeasured, in seconds: ${JSON.stringify(measured)}\n`);
    await plane.destroy();
    rmSync(folder, { recursive: true, force: true });
  });

  it('gives new machines the version of the plane', async () => {
    await Promise.all([alice, bob].map((owner) => setFields(plane, owner, { agentEnabled: true })));
    for (const owner of [alice, bob]) expect(await view(await running(owner))).toMatchObject({ openclaw: before, upgrade: null });
  });

  it('refuses a version that nobody pinned, naming those that are', async () => {
    const { status, view: problem } = await call('POST', `${await running(alice)}/upgrade`, { version: '1.2.3' });
    expect(status).toBe(400);
    expect(JSON.stringify(problem)).toContain(`there are ${after}, ${before}`);
  });

  it('backs up, swaps, has a prompt answered, and keeps the memory (REQ-INFRA-06)', async () => {
    const agentId = await running(alice);
    writeFileSync(inMachine(agentId, 'workspace', 'MEMORY.md'), 'The cat is called Miso.');
    const began = Date.now();
    const { seen, ended } = await upgrade(agentId, after);
    measured['upgrade'] = (Date.now() - began) / 1000;
    expect({ seen, ...ended.upgrade }).toMatchObject({ step: 'done', from: before, to: after, failure: null });
    expect(seen).toEqual(expect.arrayContaining(['gate', 'done']));
    await until('the heartbeat', 40_000, async () => (await view(agentId)).openclaw === after);
    expect(readFileSync(inMachine(agentId, 'workspace', 'MEMORY.md'), 'utf8')).toBe('The cat is called Miso.');
    for (const left of ['fresh', 'former']) expect(existsSync(inMachine(agentId, left))).toBe(false);
  });

  it('goes back to the version before when the new one is broken, and says why (REQ-INFRA-06)', async () => {
    const agentId = await running(bob);
    // The same package as published, but for its gateway, which ends at once; what runs from the untouched one goes on.
    const entryOf = (runtimeDir: string) => createInstallation({ manifestDir, runtimeDir, version: after }).ready()?.entry ?? '';
    const [real, linked] = [entryOf(shared), entryOf(join(folder, 'cache'))];
    const [realModules, installed] = [dirname(dirname(real)), dirname(dirname(dirname(linked)))];
    rmSync(installed);
    mkdirSync(join(installed, 'node_modules', 'openclaw'), { recursive: true });
    for (const name of ['package.json']) cpSync(join(dirname(real), name), join(installed, 'node_modules', 'openclaw', name));
    const bundled = `node-${process.platform}-${process.arch}`;
    if (existsSync(join(realModules, bundled))) symlinkSync(join(realModules, bundled), join(installed, 'node_modules', bundled));
    writeFileSync(linked, `if (process.argv[2] === 'gateway') process.exit(1);\nawait import(${JSON.stringify(real)});\n`, { mode: 0o644 });

    const began = Date.now();
    const { ended } = await upgrade(agentId, after);
    measured['way back'] = (Date.now() - began) / 1000;
    expect(ended.upgrade).toMatchObject({ step: 'rolledBack', from: before, to: after });
    expect(ended.upgrade?.failure).toContain(`${before} is back`);
    await until('the former version at work', 60_000, async () => {
      const now = await view(agentId);
      return now.openclaw === before && now.phase === 'running';
    });
  });
});
