import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openWorld, type World } from '../http/world.ts';
import { createRunner } from './bench.ts';

describe('the commands about policy', () => {
  let world: World;
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-commands-'));
  beforeAll(async () => {
    world = await openWorld();
    // The walk through the directory would withdraw what policy does not want.
    await world.wake.stop();
    await world.store.transact(async (tx) => {
      const asked = { planeId: 'acme', state: 'waiting', askedAt: 0 } as const;
      tx.set('approvals', 'first', { ...asked, id: 'first', creates: 40, removes: 1 });
      tx.set('approvals', 'second', { ...asked, id: 'second', creates: 0, removes: 26, askedAt: 1 });
    });
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await world.close();
  });

  const run = async (email: string, ...line: string[]) => {
    writeFileSync(join(folder, 'endpoint.json'), JSON.stringify({ url: world.url, token: world.idToken(email) }));
    return createRunner(folder, { config: { contextsDir: folder, colors: false }, random: randomUUID })([...line, '--data', folder]);
  };
  const [admin, viewer] = ['admin@acme.test', 'viewer@acme.test'];

  it('explains a user\u2019s policy, a sentence for each field', async () => {
    const { code, out } = await run(viewer, 'explain', '--plane', 'acme', '--user', 'dave@acme.test');
    expect(code).toBe(0);
    expect(out.split('\n').slice(0, 4)).toEqual([
      'dave@acme.test in /Engineering',
      '  Agent is off: that is the default.',
      '  Model is Opus: organizational unit /Engineering says so (the organization said Sonnet).',
      '  Budget is $200 a month: organizational unit /Engineering says so (the organization said $50).',
    ]);
    const json = await run(viewer, 'explain', '--plane', 'acme', '--user', 'dave@acme.test', '--json');
    expect(JSON.parse(json.out)).toMatchObject({
      user: { email: 'dave@acme.test' },
      fields: [{ field: 'agentEnabled' }, {}, {}, {}, {}, {}],
    });
  });

  it('says which user it did not find', async () => {
    const { code, out, complaints } = await run(viewer, 'explain', '--plane', 'acme', '--user', 'nobody@acme.test');
    expect([code, out]).toEqual([5, '']);
    expect(complaints).toContain('cannot find user nobody@acme.test');
  });

  it('lists what waits, lets an admin approve and deny, and a viewer neither', async () => {
    expect((await run(viewer, 'approvals')).out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['ID', 'WHAT', 'STATE', 'CREATES', 'REMOVES', 'ASKED', 'DECIDED'],
      ['second', 'policy', 'waiting', '0', '26', '1970-01-01 00:00:00 UTC'],
      ['first', 'policy', 'waiting', '40', '1', '1970-01-01 00:00:00 UTC'],
      [''],
    ]);
    const refused = await run(viewer, 'approve', '--id', 'first');
    expect([refused.code, refused.out]).toEqual([1, '']);
    expect(refused.complaints).toContain('OpenClaw Agent Admin');
    expect((await run(admin, 'approve', '--id', 'first')).out).toBe('first is approved: 40 agents will be created and 1 agent removed.\n');
    const denied = await run(admin, 'deny', '--id', 'second', '--reason', 'not this week', '--json');
    expect(JSON.parse(denied.out)).toMatchObject({ id: 'second', state: 'denied', decidedBy: admin, reason: 'not this week' });
    const left = await run(viewer, 'approvals', '--state', 'denied');
    expect(left.out).toContain('admin@acme.test: not this week');
    expect(JSON.parse((await run(viewer, 'approvals', '--state', 'waiting', '--json')).out)).toEqual({ approvals: [], plans: [] });
  });

  it('names the states there are, and the id it misses', async () => {
    expect(await run(viewer, 'approvals', '--state', 'open')).toMatchObject({
      code: 2,
      complaints: expect.stringContaining('waiting, approved, denied, withdrawn') as unknown,
    });
    expect((await run(admin, 'deny')).complaints).toContain('no id was named');
  });
});
