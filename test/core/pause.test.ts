import { agentId, openPassWorld } from './pass-world.ts';

const ctx = { signal: new AbortController().signal, log: { info: () => undefined, warn: () => undefined } };
const paused = { paused: { by: 'admin', at: 0, reason: 'holiday' } };
const down = () => Promise.reject(new Error('it is down'));

describe('an agent that is paused', () => {
  it('has its machine off though the provider of its secrets is down', async () => {
    const world = await openPassWorld();
    const { infra, secrets } = world.providers;
    expect((await infra.status(agentId, ctx))?.state).toBe('running');
    secrets.namespace = down;
    await world.write(paused);
    await expect(world.step()).rejects.toThrow('it is down');
    expect((await infra.status(agentId, ctx))?.state).toBe('frozen');
    expect(world.status()?.conditions).toEqual([
      { type: 'ProviderFailed', message: `cannot look at secrets of agent ${agentId}: it is down; it is tried again` },
    ]);
  });

  it('says that its machine cannot be turned off, and everything else of it goes on', async () => {
    const world = await openPassWorld();
    const { infra, network } = world.providers;
    infra.freeze = down;
    await network.revokeAccess(agentId, ctx);
    await world.write(paused);
    await expect(world.step()).rejects.toThrow('it is down');
    expect(world.status()).toMatchObject({ phase: 'provisioning', conditions: [{ type: 'ProviderFailed', message: 'it is down' }] });
    expect((await network.observe(agentId, ctx))?.access).toBe('a@acme.test');
  });

  it('says of both when its machine cannot be turned off and something else fails', async () => {
    const world = await openPassWorld();
    world.providers.infra.freeze = () => Promise.reject(new Error('the machine does not answer'));
    world.providers.network.observe = down;
    await world.write(paused);
    await expect(world.step()).rejects.toThrow('the machine does not answer');
    expect(world.status()?.conditions.map(({ message }) => message)).toEqual([
      'the machine does not answer',
      `cannot look at access of agent ${agentId}: it is down; it is tried again`,
    ]);
  });

  it('is paused once its machine is off', async () => {
    const world = await openPassWorld();
    await world.write(paused);
    await world.step();
    expect(world.status()).toMatchObject({ phase: 'paused', conditions: [] });
  });
});
