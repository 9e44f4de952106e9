import { sentOnce } from '../../functions/core/sent.ts';
import type { DriftPolicy } from '../../functions/core/drift.ts';
import { createDriftHandlers } from '../../functions/http/drift.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { agentId, openPassWorld } from './pass-world.ts';

const ctx = { signal: new AbortController().signal, log: { info: () => undefined, warn: () => undefined } };

async function open(drifts?: DriftPolicy) {
  const world = await openPassWorld(drifts ? { drifts } : {});
  const { infra, network } = world.providers;
  const rows = async () =>
    (await world.store.query('audit', 'bySeq', { equals: [`agent/${agentId}`], limit: 500 })).map(({ action }) => action);
  const handlers = createDriftHandlers({
    ...{ store: world.store, clock: world.clock, hashing: nodeHashing },
    wake: { wake: () => undefined, flush: async () => undefined },
  });
  const common = {
    authorize: async () => undefined,
    ifMatch: undefined,
    within: undefined,
    actor: { kind: 'user', id: 'admin' } as const,
    ctx,
    sent: sentOnce(world.store, () => 'unused'),
  };
  return {
    ...world,
    ...{ rows, infra, network },
    resize: () => infra.resize(agentId, { machineType: 'e2-micro' }, ctx),
    machineType: async () => (await infra.status(agentId, ctx))?.machineType,
    passes: async (count: number) => {
      for (let pass = 0; pass < count; pass += 1) await world.step();
    },
    list: async (within?: readonly string[]) =>
      (await handlers.listDrift({ ...common, within, params: { planeId: 'acme' }, query: { limit: 50 }, body: undefined })).drift,
    heal: async (planeId = 'acme') =>
      (await handlers.healDrift({ ...common, params: { planeId }, query: {}, body: { agentIds: [agentId] } })).agents,
  };
}
const effects = (rows: readonly string[]): number => rows.filter((action) => action.startsWith('effect.start')).length;

describe('a part that was found otherwise than it should be (REQ-MAINT-06)', () => {
  it('is healed at once where nothing else is said, and the audit tells what was found', async () => {
    const world = await open();
    await world.resize();
    await world.step();
    expect(await world.machineType()).toBe('e2-medium');
    expect(await world.rows()).toEqual(expect.arrayContaining(['drift.found', 'drift.gone']));
    expect(await world.list()).toEqual([]);
    expect(world.status()?.conditions).toEqual([]);
  });

  it('is told of and left alone where the plane says alert, until it fits again', async () => {
    const world = await open({ default: 'heal', fields: { machine: 'alert' } });
    const type = await world.machineType();
    await world.resize();
    const before = effects(await world.rows());
    await world.passes(3);
    expect(await world.machineType()).toBe('e2-micro');
    expect(effects(await world.rows())).toBe(before);
    expect((await world.rows()).filter((action) => action === 'drift.found')).toHaveLength(1);
    expect(await world.list()).toMatchObject([
      { agentId, part: 'machine', field: 'machineType', found: 'e2-micro', wanted: type, mode: 'alert' },
    ]);
    expect(world.status()?.conditions).toEqual([
      { type: 'Drifted', message: `machine.machineType is e2-micro and should be ${type}; planes drift heal puts it right` },
    ]);
    await world.infra.resize(agentId, { machineType: type ?? '' }, ctx);
    await world.step();
    expect([await world.list(), world.status()?.conditions, world.drift()]).toEqual([[], [], undefined]);
  });

  it('is only listed where the plane says ignore, also through changes of something else', async () => {
    const world = await open({ default: 'ignore', fields: {} });
    await world.resize();
    await world.step();
    await world.write({ name: 'Another name' });
    await world.step();
    expect(await world.machineType()).toBe('e2-micro');
    expect(world.status()?.conditions).toEqual([]);
    expect(await world.list()).toMatchObject([{ field: 'machineType', mode: 'ignore' }]);
  });

  it('goes by the longer name where a part and its field are both named', async () => {
    const world = await open({ default: 'alert', fields: { machine: 'ignore', 'machine.machineType': 'heal' } });
    await world.resize();
    await world.step();
    expect(await world.machineType()).toBe('e2-medium');
  });

  it('is made anew or only missed when it is gone as a whole', async () => {
    const world = await open({ default: 'alert', fields: { access: 'heal' } });
    await world.infra.deprovision(agentId, ctx);
    await world.step();
    expect(await world.infra.status(agentId, ctx)).toBeUndefined();
    expect(await world.list()).toMatchObject([{ part: 'machine', field: 'present', wanted: true, found: false, mode: 'alert' }]);
    await world.network.revokeAccess(agentId, ctx);
    await world.step();
    expect((await world.network.observe(agentId, ctx))?.access).toBe('a@acme.test');
  });

  it('is healed once when an admin says so, and left alone again afterwards', async () => {
    const world = await open({ default: 'alert', fields: {} });
    await world.resize();
    await world.step();
    expect(await world.heal('other')).toBe(0);
    expect(await world.heal()).toBe(1);
    await world.step();
    expect(await world.machineType()).toBe('e2-medium');
    expect(await world.rows()).toEqual(expect.arrayContaining(['drift.heal', 'drift.gone']));
    expect(await world.heal()).toBe(0);
    await world.resize();
    await world.passes(2);
    expect(await world.machineType()).toBe('e2-micro');
  });

  it('is not what was never so: a wish for another size is no drift', async () => {
    const world = await open({ default: 'alert', fields: {} });
    const spec = (await world.store.get('agents', agentId))?.spec;
    if (spec) await world.write({ spec: { ...spec, machineType: 'e2-standard-2' } });
    await world.step();
    expect(await world.machineType()).toBe('e2-standard-2');
    expect(await world.list()).toEqual([]);
  });

  it('never keeps access: a removal asks nobody about drift, and forgets it', async () => {
    const world = await open({ default: 'ignore', fields: {} });
    await world.resize();
    await world.step();
    await world.remove();
    await world.settle();
    expect(world.status()?.phase).toBe('removed');
    expect(await world.infra.status(agentId, ctx)).toBeUndefined();
    expect(world.drift()).toBeUndefined();
  });

  it('is shown to admins of an org unit for their part alone', async () => {
    const world = await open({ default: 'alert', fields: {} });
    await world.resize();
    await world.step();
    const { ouPath } = (await world.store.get('agents', agentId)) ?? { ouPath: '' };
    expect(await world.list([ouPath])).toHaveLength(1);
    expect(await world.list(['/Elsewhere'])).toEqual([]);
  });
});
