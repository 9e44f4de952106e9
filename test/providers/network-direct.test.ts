import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ctx } from '../../functions/core/surroundings.ts';
import { createDirectNetwork } from '../../functions/providers/network/direct.ts';
import { networkConformance } from '../conformance/network.ts';

const alice = 'aalicealicealice';
const ctx: Ctx = { signal: new AbortController().signal, log: { info: () => undefined, warn: () => undefined } };

function openWorld(planeId = 'acme') {
  const root = mkdtempSync(join(tmpdir(), 'network-direct-'));
  const dir = join(root, 'network');
  const ports = new Map<string, number>();
  const portOf = async (agentId: string): Promise<number | undefined> => ports.get(agentId);
  const network = createDirectNetwork({ planeId, dir, portOf });
  return { planeId, root, dir, ports, portOf, network };
}

networkConformance('direct', async () => {
  const { planeId, root, dir, ports, portOf, network } = openWorld();
  const toPath = (agentId: string): string => join(dir, `${agentId}.json`);
  return {
    planeId,
    network,
    start: async (agentId) => void ports.set(agentId, 18_789),
    async plantForeign(agentId) {
      await createDirectNetwork({ planeId: 'other', dir, portOf }).setupAccess(agentId, 'eve@other.test', ctx);
      return { planeId: 'other', agentId };
    },
    snapshot: async (agentId) =>
      readdirSync(dir)
        .filter((name) => name.includes(agentId))
        .map((name) => [name, readFileSync(join(dir, name), 'utf8'), statSync(join(dir, name)).ino]),
    breakNetwork: async (agentId) => writeFileSync(toPath(agentId), readFileSync(toPath(agentId)).subarray(0, 20)),
    close: async () => rmSync(root, { recursive: true }),
  };
});

describe('direct on this machine', () => {
  let world: ReturnType<typeof openWorld>;
  beforeEach(() => void (world = openWorld()));
  afterEach(() => rmSync(world.root, { recursive: true }));

  it('answers the loopback and the port of the gateway, and unavailable until it listens', async () => {
    await world.network.setupAccess(alice, 'alice@acme.test', ctx);
    await expect(world.network.tunnel(alice, ctx)).rejects.toMatchObject({ code: 'unavailable' });
    world.ports.set(alice, 18_789);
    expect(await world.network.tunnel(alice, ctx)).toEqual({ host: '127.0.0.1', port: 18_789 });
    await world.network.revokeAccess(alice, ctx);
    await expect(world.network.tunnel(alice, ctx)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('keeps its files to its own user and remembers them in the next process', async () => {
    await world.network.setupAccess(alice, 'alice@acme.test', ctx);
    expect(statSync(world.dir).mode & 0o777).toBe(0o700);
    expect(statSync(join(world.dir, `${alice}.json`)).mode & 0o777).toBe(0o600);
    const next = createDirectNetwork(world);
    expect(await next.observe(alice, ctx)).toMatchObject({ access: 'alice@acme.test' });
  });

  it('clears what a crashed writer left, and never lists it', async () => {
    writeFileSync(join(world.dir, `.${alice}.json.0a0b0c0d0e0f.tmp`), '{"version":1,"planeId":"ac');
    expect(await world.network.list(ctx)).toEqual([]);
    await world.network.remove(alice, ctx);
    expect(readdirSync(world.dir)).toEqual([]);
  });

  it('finds a file that stands for another agent', async () => {
    await world.network.setupAccess(alice, 'alice@acme.test', ctx);
    renameSync(join(world.dir, `${alice}.json`), join(world.dir, 'abobbobbobbobbob.json'));
    expect(await world.network.observe('abobbobbobbobbob', ctx)).toMatchObject({ agentId: alice });
    await expect(world.network.remove('abobbobbobbobbob', ctx)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('never leaves its folder', async () => {
    for (const agentId of ['../escape', '', 'a/b', '.hidden', 'A']) {
      await expect(world.network.setupAccess(agentId, 'x', ctx)).rejects.toMatchObject({ code: 'invalid' });
    }
    expect(readdirSync(world.root)).toEqual(['network']);
  });

  it('knows nothing once its folder is gone', async () => {
    rmSync(world.dir, { recursive: true });
    await expect(world.network.observe(alice, ctx)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(world.network.list(ctx)).rejects.toMatchObject({ code: 'ENOENT' });
    mkdirSync(world.dir);
    expect(await world.network.observe(alice, ctx)).toBeUndefined();
  });
});
