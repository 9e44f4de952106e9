import { toMessage } from '../../functions/core/errors.ts';
import type { Owner, SecretsProvider } from '../../functions/core/providers.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';

/** What a secrets provider's tests bring: the provider of one plane, and the world around it. */
export interface SecretsWorld {
  readonly planeId: string;
  readonly secrets: SecretsProvider;
  /** Two principals of the system, such as service accounts. */
  readonly principals: readonly [string, string];
  /** Reads a secret with nothing but what a principal holds. */
  readAs(principalId: string, agentId: string, name: string): Promise<string>;
  /** Puts a namespace of another plane under the name that this agent's would have; answers its owner. */
  plantForeign(agentId: string): Promise<Owner>;
  /** Everything that the system holds under this agent's name, in any form that shows each change. */
  snapshot(agentId: string): Promise<unknown>;
  /** Makes looks at the namespace of an agent fail. */
  breakNamespace(agentId: string): Promise<void>;
  close(): Promise<void>;
}

const [alice, bob] = ['aalicealicealice', 'abobbobbobbobbob'];
const ctx = (signal = new AbortController().signal): Ctx => ({ signal, log: { info: () => undefined, warn: () => undefined } });
const sorted = (names: readonly string[] | undefined): string[] => [...(names ?? [])].sort();

/** The contract of functions/core/providers.ts, for any secrets provider. */
export function secretsConformance(name: string, open: () => Promise<SecretsWorld>): void {
  describe(`${name} as a secrets provider`, () => {
    let world: SecretsWorld;
    let secrets: SecretsProvider;
    beforeEach(async () => {
      world = await open();
      secrets = world.secrets;
    });
    afterEach(() => world.close());

    const failure = async (promise: Promise<unknown>): Promise<unknown> =>
      promise.then(
        () => undefined,
        (error: unknown) => error,
      );
    const mine = (agentId: string): Owner => ({ planeId: world.planeId, agentId });
    const owners = async (): Promise<Owner[]> =>
      (await secrets.listNamespaces(ctx())).map(({ planeId, agentId }) => ({ planeId, agentId }));

    it('holds nothing for an agent it has never heard of', async () => {
      expect(await secrets.namespace(alice, ctx())).toBeUndefined();
      expect(await secrets.list(alice, ctx())).toEqual([]);
      expect(await secrets.listNamespaces(ctx())).toEqual([]);
      await expect(secrets.get('gateway/token', alice, ctx())).rejects.toMatchObject({ code: 'notFound' });
    });

    it('takes absence quietly when it deletes, revokes and purges', async () => {
      await secrets.delete('gateway/token', alice, ctx());
      await secrets.revokeGrant(alice, ctx());
      await secrets.purge(alice, ctx());
      expect(await secrets.namespace(alice, ctx())).toBeUndefined();
    });

    it('gives back what was set, and the newest value of a name', async () => {
      await secrets.set('gateway/token', 'one', alice, ctx());
      await secrets.set('gateway/token', 'two\nlines äöü 🦞', alice, ctx());
      expect(await secrets.get('gateway/token', alice, ctx())).toBe('two\nlines äöü 🦞');
      await expect(secrets.get('gateway', alice, ctx())).rejects.toMatchObject({ code: 'notFound' });
    });

    it('keeps names apart whatever they are made of', async () => {
      const names = [
        'gateway/token',
        'gateway%2ftoken',
        'gateway-token',
        'gateway_token',
        'Gateway/Token',
        'join/1-2',
        'join/1-12',
        'schlüssel/é',
        '..',
        'a.b',
      ];
      for (const each of names) await secrets.set(each, `value of ${each}`, alice, ctx());
      expect(sorted(await secrets.list(alice, ctx()))).toEqual(sorted(names));
      for (const each of names) expect(await secrets.get(each, alice, ctx())).toBe(`value of ${each}`);
    });

    it('does each thing twice with the result of once', async () => {
      const [reader] = world.principals;
      for (const _ of [1, 2]) await secrets.set('a', 'x', alice, ctx());
      for (const _ of [1, 2]) await secrets.grant(alice, reader, ctx());
      expect(await secrets.namespace(alice, ctx())).toEqual({ ...mine(alice), names: ['a'], grantedTo: reader });
      for (const _ of [1, 2]) await secrets.revokeGrant(alice, ctx());
      for (const _ of [1, 2]) await secrets.delete('a', alice, ctx());
      expect(await secrets.list(alice, ctx())).toEqual([]);
      for (const _ of [1, 2]) await secrets.purge(alice, ctx());
      expect(await secrets.namespace(alice, ctx())).toBeUndefined();
    });

    it('lists the namespaces of all agents with names and grant, never values', async () => {
      const [reader] = world.principals;
      await secrets.set('a', 'not-to-be-listed', alice, ctx());
      await secrets.set('b', 'not-to-be-listed', bob, ctx());
      await secrets.grant(bob, reader, ctx());
      const found = await secrets.listNamespaces(ctx());
      expect([...found].sort((x, y) => (x.agentId < y.agentId ? -1 : 1))).toEqual([
        { ...mine(alice), names: ['a'] },
        { ...mine(bob), names: ['b'], grantedTo: reader },
      ]);
      expect(JSON.stringify(found)).not.toContain('not-to-be-listed');
    });

    it('changes nothing by reading', async () => {
      await secrets.set('a', 'x', alice, ctx());
      const before = await world.snapshot(alice);
      await Promise.all([secrets.get('a', alice, ctx()), secrets.list(alice, ctx()), secrets.namespace(alice, ctx())]);
      await Promise.all([secrets.listNamespaces(ctx()), failure(secrets.get('none', alice, ctx()))]);
      expect(await world.snapshot(alice)).toEqual(before);
    });

    it('lets the principal of a grant read its own namespace and no other', async () => {
      const [first, second] = world.principals;
      await secrets.set('a', 'of alice', alice, ctx());
      await secrets.set('a', 'of bob', bob, ctx());
      await secrets.grant(alice, first, ctx());
      expect(await world.readAs(first, alice, 'a')).toBe('of alice');
      await expect(world.readAs(first, bob, 'a')).rejects.toThrow();
      await expect(world.readAs(second, alice, 'a')).rejects.toThrow();
      await secrets.grant(bob, second, ctx());
      expect(await world.readAs(second, bob, 'a')).toBe('of bob');
      await expect(world.readAs(first, bob, 'a')).rejects.toThrow();
    });

    it('lets the principal read what is set after the grant', async () => {
      const [reader] = world.principals;
      await secrets.set('a', 'x', alice, ctx());
      await secrets.grant(alice, reader, ctx());
      await secrets.set('b/c', 'later', alice, ctx());
      expect(await world.readAs(reader, alice, 'b/c')).toBe('later');
    });

    it('ends reading with the grant and keeps the secrets', async () => {
      const [reader] = world.principals;
      await secrets.set('a', 'x', alice, ctx());
      await secrets.grant(alice, reader, ctx());
      await secrets.revokeGrant(alice, ctx());
      await expect(world.readAs(reader, alice, 'a')).rejects.toThrow();
      expect(await secrets.namespace(alice, ctx())).toEqual({ ...mine(alice), names: ['a'] });
      expect(await secrets.get('a', alice, ctx())).toBe('x');
    });

    it('moves a grant to another principal', async () => {
      const [first, second] = world.principals;
      await secrets.set('a', 'x', alice, ctx());
      await secrets.grant(alice, first, ctx());
      await secrets.grant(alice, second, ctx());
      expect((await secrets.namespace(alice, ctx()))?.grantedTo).toBe(second);
      expect(await world.readAs(second, alice, 'a')).toBe('x');
      await expect(world.readAs(first, alice, 'a')).rejects.toThrow();
    });

    it('leaves nothing after a purge, and nothing of the old comes back with a new namespace', async () => {
      const [reader] = world.principals;
      const untouched = await world.snapshot(alice);
      await secrets.set('a', 'x', alice, ctx());
      await secrets.set('b', 'x', alice, ctx());
      await secrets.set('b', 'of bob', bob, ctx());
      await secrets.grant(alice, reader, ctx());
      await secrets.purge(alice, ctx());
      expect(await world.snapshot(alice)).toEqual(untouched);
      expect(await owners()).toEqual([mine(bob)]);
      await expect(world.readAs(reader, alice, 'a')).rejects.toThrow();
      await secrets.set('a', 'new', alice, ctx());
      expect(await secrets.namespace(alice, ctx())).toEqual({ ...mine(alice), names: ['a'] });
      await expect(world.readAs(reader, alice, 'a')).rejects.toThrow();
    });

    it('reports a namespace of another plane with its owner and never writes it', async () => {
      const foreign = await world.plantForeign(alice);
      expect(foreign).not.toEqual(mine(alice));
      const before = await world.snapshot(alice);
      expect(await secrets.namespace(alice, ctx())).toMatchObject(foreign);
      expect(await owners()).toEqual([foreign]);
      for (const attempt of [
        secrets.set('a', 'mine now', alice, ctx()),
        secrets.delete('a', alice, ctx()),
        secrets.grant(alice, world.principals[0], ctx()),
        secrets.purge(alice, ctx()),
        secrets.get('a', alice, ctx()),
      ]) {
        await expect(attempt).rejects.toMatchObject({ code: 'conflict' });
      }
      await failure(secrets.revokeGrant(alice, ctx()));
      expect(await world.snapshot(alice)).toEqual(before);
    });

    it('throws for what it cannot read, which is never absence', async () => {
      await secrets.set('a', 'x', alice, ctx());
      await world.breakNamespace(alice);
      await expect(secrets.namespace(alice, ctx())).rejects.toThrow();
      await expect(secrets.listNamespaces(ctx())).rejects.toThrow();
      const error = await failure(secrets.get('a', alice, ctx()));
      expect(error).toBeDefined();
      expect(error).not.toMatchObject({ code: 'notFound' });
    });

    it('never says a value in an error', async () => {
      const value = 'hunter2-do-not-say';
      const tooLong = 'n'.repeat(10_000);
      await secrets.set('a', value, alice, ctx());
      const errors = [await failure(secrets.set(tooLong, value, alice, ctx())), await failure(secrets.set('', value, alice, ctx()))];
      await world.breakNamespace(alice);
      errors.push(await failure(secrets.get('a', alice, ctx())), await failure(secrets.set('a', value, alice, ctx())));
      for (let error of errors) {
        for (; error !== undefined; error = (error as { cause?: unknown }).cause) expect(toMessage(error)).not.toContain(value);
      }
    });

    it('rejects and changes nothing once its signal has aborted', async () => {
      const [reader] = world.principals;
      await secrets.set('a', 'x', alice, ctx());
      const before = await world.snapshot(alice);
      const aborted = ctx(AbortSignal.abort());
      for (const attempt of [
        secrets.get('a', alice, aborted),
        secrets.set('a', 'y', alice, aborted),
        secrets.delete('a', alice, aborted),
        secrets.list(alice, aborted),
        secrets.namespace(alice, aborted),
        secrets.listNamespaces(aborted),
        secrets.grant(alice, reader, aborted),
        secrets.revokeGrant(alice, aborted),
        secrets.purge(alice, aborted),
      ]) {
        await expect(attempt).rejects.toBeDefined();
      }
      expect(await world.snapshot(alice)).toEqual(before);
    });
  });
}
