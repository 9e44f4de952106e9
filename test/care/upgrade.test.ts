import { admin, alice, openCare, type Care } from './world.ts';

let care: Care;
afterEach(() => care.close());

async function open(...options: Parameters<typeof openCare>): Promise<void> {
  care = await openCare(...options);
  await care.beat();
}
const begin = async (version?: string) => care.upgrade.begin(await care.agentOf(), admin, { version });
const change = async (more: object): Promise<void> => care.backups.put({ ...(await care.agentOf()), ...more });

describe('an upgrade of one agent', () => {
  it('is installed, backed up, swapped and proven, step by step, and pinned then (REQ-INFRA-06)', async () => {
    await open();
    await begin('2.0.0');
    await care.run();
    expect(care.machine.seen).toEqual(['install', 'backup', 'swap', 'gate', 'done']);
    expect(await care.record()).toMatchObject({ from: '1.0.0', to: '2.0.0', by: admin.id });
    expect(await care.agentOf()).toMatchObject({ openclaw: '2.0.0' });
    const [backup, ...others] = await care.backups.backups.latest(alice);
    expect([backup?.reason, backup?.id, others.length]).toEqual(['upgrade', (await care.record())?.backupId, 0]);
    expect(await care.rows(alice)).toEqual(expect.arrayContaining(['agent.upgrade user', 'agent.upgrade done plane']));
  });

  it('leaves the former version in force where the new one answers no prompt, says why, and stays there', async () => {
    await open({ planeVersion: '2.0.0' });
    care.machine.broken = '2.0.0';
    await begin();
    await care.run();
    expect(await care.record()).toMatchObject({ step: 'rolledBack', failure: 'it answers no prompt; 1.0.0 is back' });
    expect(care.machine.version).toBe('1.0.0');
    expect(await care.agentOf()).toMatchObject({ openclaw: '1.0.0' });
  });

  it('goes to the version of the plane, or else of the host, unless told otherwise', async () => {
    await open({ planeVersion: '3.0.0' });
    expect(await begin()).toMatchObject({ to: '3.0.0' });
    await care.run();
    await care.close();
    await open();
    expect(await begin()).toMatchObject({ to: '1.0.0' });
    await care.run();
    expect(await care.record()).toMatchObject({ step: 'done' });
    expect(care.machine.did).toEqual([]);
  });

  it('is refused for a version that is not published, for a paused agent and while something else is under way', async () => {
    await open();
    await expect(begin('9.9.9')).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('1.0.0, 2.0.0, 3.0.0') as string,
    });
    await change({ paused: { by: 'x', at: 1, reason: 'holidays' } });
    await expect(begin('2.0.0')).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('holidays') as string });
    await change({ paused: undefined });
    await begin('2.0.0');
    const busy = { code: 'conflict', message: expect.stringContaining('its upgrade to 2.0.0 is under way, at the step install') as string };
    await expect(begin('3.0.0')).rejects.toMatchObject(busy);
    const agent = await care.agentOf();
    await expect(care.reprovision.begin(agent, admin)).rejects.toMatchObject(busy);
    await expect(care.asked.begin(agent, admin)).rejects.toMatchObject(busy);
    await care.run();
    await care.reprovision.begin(agent, admin);
    await expect(begin('3.0.0')).rejects.toMatchObject({ message: expect.stringContaining('its reprovision is under way') as string });
  });

  it('changes nothing on an agent that is silent, or paused before the swap', async () => {
    await open();
    await begin('2.0.0');
    care.clock.pass(6 * 60_000);
    await care.upgrade.handle(alice, care.backups.ctx.signal);
    expect(await care.record()).toMatchObject({ step: 'failed', failure: expect.stringContaining('silent') as string });
    await care.beat();
    await begin('2.0.0');
    await change({ paused: { by: 'x', at: 1, reason: 'holidays' } });
    await care.upgrade.handle(alice, care.backups.ctx.signal);
    expect(await care.record()).toMatchObject({ step: 'failed', failure: expect.stringContaining('it was paused') as string });
    expect([care.host.offered, care.machine.did]).toEqual([[], []]);
  });

  it('gives up a version that cannot be installed', async () => {
    await open();
    care.host.installs = false;
    await begin('2.0.0');
    await care.run(5);
    expect(await care.record()).toMatchObject({ step: 'install' });
    care.clock.pass(21 * 60_000);
    await care.beat();
    await care.run(2);
    expect(await care.record()).toMatchObject({ step: 'failed', failure: expect.stringContaining('could not be installed') as string });
  });

  it('believes a machine that forgot what came of it by the version that it runs', async () => {
    await open();
    care.machine.forgetful = true;
    await begin('2.0.0');
    await care.run();
    expect(await care.record()).toMatchObject({ step: 'done' });
    care.machine.broken = '3.0.0';
    await begin('3.0.0');
    await care.run();
    expect(await care.record()).toMatchObject({ step: 'rolledBack', failure: 'what came of it is not known' });
    expect(await care.agentOf()).toMatchObject({ openclaw: '2.0.0' });
  });

  it('is given up when the machine does not come back in time', async () => {
    await open();
    care.machine.stuck = true;
    await begin('2.0.0');
    await care.run(9);
    expect(await care.record()).toMatchObject({ step: 'gate' });
    care.clock.pass(3 * 3_600_000);
    for (let round = 0; round < 3; round += 1) await care.upgrade.handle(alice, care.backups.ctx.signal);
    expect(await care.record()).toMatchObject({ step: 'failed', failure: 'the agent did not do it in time' });
  });
});

class Crash extends Error {}

/** Each transaction of the plane is the last one of a process once, heard or unheard. */
const points = Array.from({ length: 12 }, (_, count) => [
  [count, false],
  [count, true],
]).flat() as [number, boolean][];

describe.each(points)('a crash after %d transactions, the next one unheard: %s,', (count, unheard) => {
  it('is made good: the upgrade happens, once', async () => {
    let left = Number.POSITIVE_INFINITY;
    await open({
      wrapStore: (store) => ({
        ...store,
        async transact(work) {
          if (!care.machine.acts) left -= 1;
          if (left !== -1 || care.machine.acts) return store.transact(work);
          if (unheard) await store.transact(work);
          throw new Crash('crashed');
        },
      }),
    });
    await begin('2.0.0');
    left = count;
    await care.run(60, (error) => expect(error).toBeInstanceOf(Crash));
    expect(await care.record()).toMatchObject({ step: 'done', from: '1.0.0' });
    expect(await care.agentOf()).toMatchObject({ openclaw: '2.0.0' });
    expect(await care.asked.errands(await care.agentOf())).toHaveLength(1);
    expect((await care.rows(alice)).filter((row) => row === 'agent.upgrade done plane')).toHaveLength(1);
  });
});
