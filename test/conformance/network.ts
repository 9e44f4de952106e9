import type { EgressPolicy, NetworkProvider, Owner } from '../../functions/core/providers.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';

/** What a network provider's tests bring: the provider of one plane, and the world around it. */
export interface NetworkWorld {
  readonly planeId: string;
  readonly network: NetworkProvider;
  /** Lets the agent's gateway listen, where a tunnel needs that. */
  start(agentId: string): Promise<void>;
  /** Puts what another plane holds under the name that this agent's would have; answers its owner. */
  plantForeign(agentId: string): Promise<Owner>;
  /** Everything that the system holds under this agent's name, in any form that shows each change. */
  snapshot(agentId: string): Promise<unknown>;
  /** Makes looks at the network of an agent fail. */
  breakNetwork(agentId: string): Promise<void>;
  close(): Promise<void>;
}

const [alice, bob] = ['aalicealicealice', 'abobbobbobbobbob'];
const ctx = (signal = new AbortController().signal): Ctx => ({ signal, log: { info: () => undefined, warn: () => undefined } });
const restricted: EgressPolicy = { default: 'restricted', allowedDomains: ['github.com', '*.acme.test'] };
const unrestricted: EgressPolicy = { default: 'open', allowedDomains: [] };

/** The contract of functions/core/providers.ts, for any network provider. */
export function networkConformance(name: string, open: () => Promise<NetworkWorld>): void {
  describe(`${name} as a network provider`, () => {
    let world: NetworkWorld;
    let network: NetworkProvider;
    beforeEach(async () => {
      world = await open();
      network = world.network;
    });
    afterEach(() => world.close());

    const mine = (agentId: string): Owner => ({ planeId: world.planeId, agentId });

    it('holds nothing for an agent it has never heard of', async () => {
      expect(await network.observe(alice, ctx())).toBeUndefined();
      expect(await network.list(ctx())).toEqual([]);
    });

    it('takes absence quietly when it revokes and removes', async () => {
      await network.revokeAccess(alice, ctx());
      await network.remove(alice, ctx());
      expect(await network.observe(alice, ctx())).toBeUndefined();
    });

    it('shows access and egress in the words of the spec, in whichever order they came', async () => {
      await network.setupAccess(alice, 'alice@acme.test', ctx());
      expect(await network.observe(alice, ctx())).toEqual({ ...mine(alice), access: 'alice@acme.test' });
      await network.configureEgress(alice, restricted, ctx());
      await network.configureEgress(bob, unrestricted, ctx());
      expect(await network.observe(bob, ctx())).toEqual({ ...mine(bob), egress: unrestricted });
      await network.setupAccess(bob, 'bob@acme.test', ctx());
      const listed = [...(await network.list(ctx()))].sort((x, y) => (x.agentId < y.agentId ? -1 : 1));
      expect(listed).toEqual([
        { ...mine(alice), access: 'alice@acme.test', egress: restricted },
        { ...mine(bob), access: 'bob@acme.test', egress: unrestricted },
      ]);
    });

    it('replaces owner and policy by the newest', async () => {
      await network.setupAccess(alice, 'alice@acme.test', ctx());
      await network.configureEgress(alice, restricted, ctx());
      await network.setupAccess(alice, 'alice.new@acme.test', ctx());
      await network.configureEgress(alice, unrestricted, ctx());
      expect(await network.observe(alice, ctx())).toEqual({ ...mine(alice), access: 'alice.new@acme.test', egress: unrestricted });
    });

    it('does each thing twice with the result of once', async () => {
      for (const _ of [1, 2]) await network.setupAccess(alice, 'alice@acme.test', ctx());
      for (const _ of [1, 2]) await network.configureEgress(alice, restricted, ctx());
      expect(await network.observe(alice, ctx())).toEqual({ ...mine(alice), access: 'alice@acme.test', egress: restricted });
      for (const _ of [1, 2]) await network.revokeAccess(alice, ctx());
      expect(await network.observe(alice, ctx())).toEqual({ ...mine(alice), egress: restricted });
      for (const _ of [1, 2]) await network.remove(alice, ctx());
      expect(await network.observe(alice, ctx())).toBeUndefined();
    });

    it('gives a tunnel only while somebody has access', async () => {
      await world.start(alice);
      await expect(network.tunnel(alice, ctx())).rejects.toThrow();
      await network.setupAccess(alice, 'alice@acme.test', ctx());
      const { host, port } = await network.tunnel(alice, ctx());
      expect(host).not.toBe('');
      expect(port).toBeGreaterThan(0);
      await network.revokeAccess(alice, ctx());
      await expect(network.tunnel(alice, ctx())).rejects.toThrow();
    });

    it('leaves nothing of one agent after a removal and everything of the others', async () => {
      const untouched = await world.snapshot(alice);
      await network.setupAccess(alice, 'alice@acme.test', ctx());
      await network.configureEgress(alice, restricted, ctx());
      await network.setupAccess(bob, 'bob@acme.test', ctx());
      await network.remove(alice, ctx());
      expect(await world.snapshot(alice)).toEqual(untouched);
      expect(await network.list(ctx())).toEqual([{ ...mine(bob), access: 'bob@acme.test' }]);
    });

    it('changes nothing by reading', async () => {
      await network.setupAccess(alice, 'alice@acme.test', ctx());
      await world.start(alice);
      const before = await world.snapshot(alice);
      await Promise.all([network.observe(alice, ctx()), network.list(ctx()), network.tunnel(alice, ctx())]);
      expect(await world.snapshot(alice)).toEqual(before);
    });

    it('reports what another plane holds with its owner and never writes it', async () => {
      const foreign = await world.plantForeign(alice);
      expect(foreign).not.toEqual(mine(alice));
      const before = await world.snapshot(alice);
      expect(await network.observe(alice, ctx())).toMatchObject(foreign);
      expect((await network.list(ctx())).map(({ planeId, agentId }) => ({ planeId, agentId }))).toEqual([foreign]);
      for (const attempt of [
        network.setupAccess(alice, 'alice@acme.test', ctx()),
        network.revokeAccess(alice, ctx()),
        network.configureEgress(alice, restricted, ctx()),
        network.remove(alice, ctx()),
        network.tunnel(alice, ctx()),
      ]) {
        await expect(attempt).rejects.toMatchObject({ code: 'conflict' });
      }
      expect(await world.snapshot(alice)).toEqual(before);
    });

    it('throws for what it cannot read, which is never absence', async () => {
      await network.setupAccess(alice, 'alice@acme.test', ctx());
      await world.breakNetwork(alice);
      await expect(network.observe(alice, ctx())).rejects.toThrow();
      await expect(network.list(ctx())).rejects.toThrow();
    });

    it('rejects and changes nothing once its signal has aborted', async () => {
      await network.setupAccess(alice, 'alice@acme.test', ctx());
      const before = await world.snapshot(alice);
      const aborted = ctx(AbortSignal.abort());
      for (const attempt of [
        network.setupAccess(alice, 'mallory@acme.test', aborted),
        network.revokeAccess(alice, aborted),
        network.configureEgress(alice, unrestricted, aborted),
        network.remove(alice, aborted),
        network.observe(alice, aborted),
        network.list(aborted),
        network.tunnel(alice, aborted),
      ]) {
        await expect(attempt).rejects.toBeDefined();
      }
      expect(await world.snapshot(alice)).toEqual(before);
    });
  });
}
