import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { Ctx } from '../../functions/core/surroundings.ts';
import { openNamespace, parseGrant, toFileName, toGrantText } from '../../functions/providers/secrets/local-vault.ts';
import { createLocalSecrets } from '../../functions/providers/secrets/local.ts';
import { secretsConformance } from '../conformance/secrets.ts';

const [alice, bob] = ['aalicealicealice', 'abobbobbobbobbob'];
const ctx: Ctx = { signal: new AbortController().signal, log: { info: () => undefined, warn: () => undefined } };

function openWorld(planeId = 'acme') {
  const root = mkdtempSync(join(tmpdir(), 'secrets-local-'));
  const [dir, grantsDir] = [join(root, 'secrets'), join(root, 'grants')];
  const options = { planeId, dir, grantsDir, dataKey: randomBytes(32) };
  return { ...options, root, options, secrets: createLocalSecrets(options) };
}

const filesUnder = (root: string): string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

secretsConformance('local', async () => {
  const { planeId, root, dir, grantsDir, options, secrets } = openWorld();
  return {
    planeId,
    secrets,
    principals: ['uid-2001', 'uid-2002'],
    async readAs(principalId, agentId, name) {
      // All grants that name the principal, each also passed off as one for the agent.
      const held = readdirSync(grantsDir).filter((file) => readFileSync(join(grantsDir, file), 'utf8').includes(`"${principalId}"`));
      const own = join(root, 'held');
      rmSync(own, { recursive: true, force: true });
      mkdirSync(own);
      for (const file of held) cpSync(join(grantsDir, file), join(own, `${agentId}.json`));
      for (const file of held) cpSync(join(grantsDir, file), join(own, file));
      return openNamespace({ dir, grantsDir: own, agentId }).read(name);
    },
    async plantForeign(agentId) {
      const other = createLocalSecrets({ ...options, planeId: 'other', dataKey: randomBytes(32) });
      await other.set('a', 'of the other plane', agentId, ctx);
      await other.grant(agentId, 'uid-3001', ctx);
      return { planeId: 'other', agentId };
    },
    snapshot: async (agentId) =>
      filesUnder(root)
        .filter((path) => path.includes(agentId))
        .map((path) => [path, readFileSync(path, 'hex'), statSync(path).ino]),
    breakNamespace: async (agentId) => writeFileSync(join(dir, agentId, 'namespace.key'), 'not a key'),
    close: async () => rmSync(root, { recursive: true }),
  };
});

describe('local secrets on disk', () => {
  let world: ReturnType<typeof openWorld>;
  beforeEach(() => void (world = openWorld()));
  afterEach(() => rmSync(world.root, { recursive: true }));

  const toPath = (agentId: string, name: string): string => join(world.dir, agentId, toFileName(name));
  const outcome = async (look: Promise<unknown>): Promise<unknown> => look.catch((error: unknown) => ({ failed: (error as Error).name }));

  it('shows a value in no byte of any file', async () => {
    const value = 'correct horse battery staple';
    await world.secrets.set('gateway/token', value, alice, ctx);
    await world.secrets.grant(alice, 'uid-2001', ctx);
    const forms = (['utf8', 'hex', 'base64url'] as const).map((form) => Buffer.from(value).toString(form));
    const files = filesUnder(world.root);
    expect(files.map((path) => relative(world.root, path))).toEqual([
      `grants/${alice}.json`,
      `secrets/${alice}/gateway%2ftoken.secret`,
      `secrets/${alice}/namespace.json`,
      `secrets/${alice}/namespace.key`,
    ]);
    for (const path of files) for (const form of forms) expect(readFileSync(path).includes(form)).toBe(false);
  });

  it('keeps files and folders to its own user, whatever the umask', async () => {
    const umask = process.umask(0);
    try {
      const { secrets } = openWorldAt(join(world.root, 'nested', 'deep'));
      await secrets.set('a', 'x', alice, ctx);
      await secrets.grant(alice, 'uid-2001', ctx);
    } finally {
      process.umask(umask);
    }
    const entries = readdirSync(join(world.root, 'nested'), { recursive: true, withFileTypes: true });
    expect(entries).toHaveLength(8);
    for (const entry of entries) {
      expect(statSync(join(entry.parentPath, entry.name)).mode & 0o777).toBe(entry.isDirectory() ? 0o700 : 0o600);
    }
  });

  function openWorldAt(root: string) {
    return { secrets: createLocalSecrets({ ...world.options, dir: join(root, 'secrets'), grantsDir: join(root, 'grants') }) };
  }

  it('finds a flipped bit in any file', async () => {
    await world.secrets.set('a', 'x', alice, ctx);
    await world.secrets.grant(alice, 'uid-2001', ctx);
    const look = async (): Promise<unknown[]> => [
      await outcome(world.secrets.namespace(alice, ctx)),
      await outcome(world.secrets.get('a', alice, ctx)),
    ];
    const sound = await look();
    expect(sound[1]).toBe('x');
    for (const path of filesUnder(world.root)) {
      const content = readFileSync(path);
      // One bit of each byte, each time another.
      for (let bit = 0; bit < content.length * 8; bit += 9) {
        const flipped = Buffer.from(content);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        writeFileSync(path, flipped);
        const seen = await look();
        const found = seen.some((each) => typeof each === 'object' && each !== null && 'failed' in each);
        if (!found) throw new Error(`bit ${bit} of ${path} changed unseen: ${JSON.stringify(seen)}`);
      }
      writeFileSync(path, content);
    }
    expect(await look()).toEqual(sound);
  });

  it('refuses files that were swapped between names, agents and planes', async () => {
    await world.secrets.set('a', 'a of alice', alice, ctx);
    await world.secrets.set('b', 'b of alice', alice, ctx);
    await world.secrets.set('a', 'a of bob', bob, ctx);
    const kept = readFileSync(toPath(alice, 'a'));
    writeFileSync(toPath(alice, 'a'), readFileSync(toPath(alice, 'b')));
    await expect(world.secrets.get('a', alice, ctx)).rejects.toMatchObject({ code: 'internal' });
    writeFileSync(toPath(alice, 'a'), readFileSync(toPath(bob, 'a')));
    await expect(world.secrets.get('a', alice, ctx)).rejects.toMatchObject({ code: 'internal' });
    writeFileSync(toPath(alice, 'a'), kept);
    expect(await world.secrets.get('a', alice, ctx)).toBe('a of alice');

    writeFileSync(join(world.dir, alice, 'namespace.key'), readFileSync(join(world.dir, bob, 'namespace.key')));
    await expect(world.secrets.get('a', alice, ctx)).rejects.toMatchObject({ code: 'internal' });

    renameSync(join(world.dir, alice), join(world.dir, 'aelsewhere'));
    expect(await world.secrets.namespace('aelsewhere', ctx).catch(() => 'failed')).toMatchObject({ agentId: alice });
    await expect(world.secrets.set('a', 'x', 'aelsewhere', ctx)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('opens nothing with another data key', async () => {
    await world.secrets.set('a', 'x', alice, ctx);
    const other = createLocalSecrets({ ...world.options, dataKey: randomBytes(32) });
    await expect(other.get('a', alice, ctx)).rejects.toMatchObject({ code: 'internal' });
    await expect(other.namespace(alice, ctx)).rejects.toMatchObject({ code: 'internal' });
  });

  it('gives the sidecar its names and values, and only while the grant stands', async () => {
    const { dir, grantsDir, secrets } = world;
    await secrets.set('join/1-1', 'token', alice, ctx);
    await secrets.set('gateway/token', 'gate', alice, ctx);
    expect(() => openNamespace({ dir, grantsDir, agentId: alice })).toThrow('are not granted here');
    await secrets.grant(alice, 'uid-2001', ctx);
    const namespace = openNamespace({ dir, grantsDir, agentId: alice });
    expect(namespace.names()).toEqual(['gateway/token', 'join/1-1']);
    expect(namespace.read('join/1-1')).toBe('token');
    expect(() => namespace.read('none')).toThrow('there is none of this name');
    await secrets.revokeGrant(alice, ctx);
    expect(() => namespace.read('join/1-1')).toThrow('are not granted here');
    expect(() => namespace.names()).toThrow('are not granted here');
  });

  it('opens nothing of another agent with a grant that was rewritten for it', async () => {
    const { dir, grantsDir, secrets } = world;
    await secrets.set('a', 'of alice', alice, ctx);
    await secrets.set('a', 'of bob', bob, ctx);
    await secrets.grant(alice, 'uid-2001', ctx);
    const grant = parseGrant(readFileSync(join(grantsDir, `${alice}.json`), 'utf8'), alice);
    const own = join(world.root, 'held');
    mkdirSync(own);
    writeFileSync(join(own, `${bob}.json`), toGrantText({ ...grant, agentId: bob }));
    expect(() => openNamespace({ dir, grantsDir: own, agentId: bob }).read('a')).toThrow('its file is broken or belongs elsewhere');
    expect(() => openNamespace({ dir, grantsDir: own, agentId: '../alice' })).toThrow('it is not a DNS label');
  });

  it('says nothing of the key when a grant is broken, and still revokes it', async () => {
    const path = join(world.grantsDir, `${alice}.json`);
    await world.secrets.set('a', 'x', alice, ctx);
    await world.secrets.grant(alice, 'uid-2001', ctx);
    const text = readFileSync(path, 'utf8');
    const key = parseGrant(text, alice).key.toString('base64url');
    writeFileSync(path, text.replace('"key":', 'key:'));
    const error = await world.secrets.namespace(alice, ctx).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    );
    expect(error?.message).toContain('file is broken');
    expect(error?.cause).toBeUndefined();
    expect(error?.stack).not.toContain(key.slice(0, 8));
    await world.secrets.revokeGrant(alice, ctx);
    expect(readdirSync(world.grantsDir)).toEqual([]);
  });

  it('counts a grant for an older namespace as none', async () => {
    const path = join(world.grantsDir, `${alice}.json`);
    await world.secrets.set('a', 'x', alice, ctx);
    await world.secrets.grant(alice, 'uid-2001', ctx);
    const old = readFileSync(path);
    await world.secrets.purge(alice, ctx);
    writeFileSync(path, old, { mode: 0o600 });
    expect(await world.secrets.listNamespaces(ctx)).toEqual([{ planeId: 'acme', agentId: alice, names: [], grantedTo: 'uid-2001' }]);
    await world.secrets.set('a', 'new', alice, ctx);
    expect(readdirSync(world.grantsDir)).toEqual([]);
    writeFileSync(path, old);
    expect(await world.secrets.namespace(alice, ctx)).toEqual({ planeId: 'acme', agentId: alice, names: ['a'] });
    await world.secrets.purge(alice, ctx);
    expect(filesUnder(world.root)).toEqual([]);
  });

  it('refuses settings under which a grant would lie beside what it opens', () => {
    const { options, dir } = world;
    for (const grantsDir of [dir, join(dir, 'grants'), `${dir}/..grants`]) {
      expect(() => createLocalSecrets({ ...options, grantsDir })).toThrow('grants would lie in');
    }
    expect(() => createLocalSecrets({ ...options, dataKey: randomBytes(16) })).toThrow('the data key has 16 bytes');
  });

  it('never leaves its folders, and takes its missing folder for a failure', async () => {
    for (const agentId of ['../escape', '', 'a/b', '.half.acme.x', 'A']) {
      await expect(world.secrets.set('a', 'x', agentId, ctx)).rejects.toMatchObject({ code: 'invalid' });
    }
    for (const name of ['', 'n'.repeat(201), '\ud800']) {
      await expect(world.secrets.set(name, 'x', alice, ctx)).rejects.toMatchObject({ code: 'invalid' });
    }
    await expect(world.secrets.set('a', 'not text \udfff', alice, ctx)).rejects.toMatchObject({ code: 'invalid' });
    expect(filesUnder(world.root)).toEqual([]);
    rmSync(world.dir, { recursive: true });
    await expect(world.secrets.namespace(alice, ctx)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(world.secrets.listNamespaces(ctx)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
