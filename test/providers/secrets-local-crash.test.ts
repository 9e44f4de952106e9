import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ctx } from '../../functions/core/surroundings.ts';
import { createLocalSecrets } from '../../functions/providers/secrets/local.ts';

const alice = 'aalicealicealice';
const ctx: Ctx = { signal: new AbortController().signal, log: { info: () => undefined, warn: () => undefined } };

function openWorld() {
  const root = mkdtempSync(join(tmpdir(), 'secrets-local-crash-'));
  const [dir, grantsDir] = [join(root, 'secrets'), join(root, 'grants')];
  const options = { planeId: 'acme', dir, grantsDir, dataKey: randomBytes(32) };
  return { root, dir, grantsDir, options, secrets: createLocalSecrets(options) };
}

const filesUnder = (root: string): string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? entry.name : []));

describe('local secrets after a crash', () => {
  let world: ReturnType<typeof openWorld>;
  beforeEach(() => void (world = openWorld()));
  afterEach(() => rmSync(world.root, { recursive: true }));

  const half = (): string => join(world.dir, `.half.acme.${alice}`);
  const here = { planeId: 'acme', agentId: alice, names: [] };

  it('clears drafts of secrets and of grants', async () => {
    await world.secrets.set('a', 'x', alice, ctx);
    writeFileSync(join(world.dir, alice, '.b.secret.0a0b0c0d0e0f.tmp'), 'half');
    writeFileSync(join(world.grantsDir, `.${alice}.json.0a0b0c0d0e0f.tmp`), 'half a key');
    expect(await world.secrets.list(alice, ctx)).toEqual(['a']);
    await world.secrets.set('b', 'y', alice, ctx);
    expect(readdirSync(join(world.dir, alice)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    await world.secrets.purge(alice, ctx);
    expect(filesUnder(world.root)).toEqual([]);
  });

  it('reports a namespace that was half made, and makes or purges it whole', async () => {
    mkdirSync(half());
    writeFileSync(join(half(), 'namespace.json'), '{"ver');
    expect(await world.secrets.namespace(alice, ctx)).toEqual(here);
    expect(await world.secrets.listNamespaces(ctx)).toEqual([here]);
    expect(await world.secrets.list(alice, ctx)).toEqual([]);
    await world.secrets.set('a', 'x', alice, ctx);
    expect(readdirSync(world.dir)).toEqual([alice]);
    mkdirSync(half());
    await world.secrets.purge(alice, ctx);
    expect(readdirSync(world.dir)).toEqual([]);
  });

  it('reports a namespace that was half purged until the purge is done', async () => {
    await world.secrets.set('a', 'x', alice, ctx);
    renameSync(join(world.dir, alice), half());
    rmSync(join(half(), 'namespace.key'));
    expect(await world.secrets.namespace(alice, ctx)).toEqual(here);
    const other = createLocalSecrets({ ...world.options, planeId: 'other' });
    expect(await other.listNamespaces(ctx)).toEqual([here]);
    await other.purge(alice, ctx);
    expect(await world.secrets.listNamespaces(ctx)).toEqual([here]);
    await world.secrets.purge(alice, ctx);
    expect(await world.secrets.listNamespaces(ctx)).toEqual([]);
    expect(readdirSync(world.dir)).toEqual([]);
  });

  it('holds the old value or the new one when a writer is killed at any moment', async () => {
    const { options } = world;
    const script = `
      import { createLocalSecrets } from ${JSON.stringify(join(__dirname, '../../functions/providers/secrets/local.ts'))};
      const { dataKey, ...options } = ${JSON.stringify({ ...options, dataKey: options.dataKey.toString('hex') })};
      const secrets = createLocalSecrets({ ...options, dataKey: Buffer.from(dataKey, 'hex') });
      const ctx = { signal: new AbortController().signal, log: { info() {}, warn() {} } };
      for (let turn = 0; ; turn++) {
        await secrets.set('a', (turn % 2 ? 'x' : 'y').repeat(100_000), ${JSON.stringify(alice)}, ctx);
        if (turn === 0) console.log('started');
        await secrets.grant(${JSON.stringify(alice)}, 'uid-' + turn, ctx);
      }`;
    for (const delayMs of [0, 3, 11, 17]) {
      const writer = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(writer.stdout, 'data');
      await new Promise((done) => setTimeout(done, delayMs));
      writer.kill('SIGKILL');
      await once(writer, 'exit');
      expect(await world.secrets.get('a', alice, ctx)).toMatch(/^(x{100000}|y{100000})$/);
      expect((await world.secrets.namespace(alice, ctx))?.names).toEqual(['a']);
    }
    await world.secrets.purge(alice, ctx);
    expect(filesUnder(world.root)).toEqual([]);
  });
});
