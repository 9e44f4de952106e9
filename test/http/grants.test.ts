import { createGrantHandlers } from '../../functions/http/grants.ts';
import { sentOnce } from '../../functions/core/sent.ts';
import { lookKey } from '../../functions/core/schedule.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { createHandClock } from '../wake/loopback.ts';

const user = { id: '1001', email: 'bob@acme.test', name: 'Bob', ouPath: '/', groups: [], active: true, roles: [], fields: {} };
const ctx = { signal: new AbortController().signal, log: { info: () => undefined, warn: () => undefined } };

async function openGrants() {
  const [store, clock] = [createMemoryStore(), createHandClock()];
  const woken: string[] = [];
  const wake = { wake: (key: string) => void woken.push(key), flush: async () => undefined };
  const handlers = createGrantHandlers({ store, clock, hashing: nodeHashing, wake, userOf: async () => user });
  const grant = { id: 'g1', planeId: 'acme', ownerId: user.id, tools: ['github'], channels: [], grantedBy: 'admin', grantedAt: 1 };
  await store.transact(async (tx) => tx.set('grants', 'g1', grant));
  const revoke = (authorize: () => Promise<void>) =>
    handlers.revokeGrant({
      ...{
        params: { planeId: 'acme', userKey: user.email, grantId: 'g1' },
        query: {},
        body: undefined,
        authorize,
        ctx,
        within: undefined,
        ifMatch: undefined,
        sent: sentOnce(store, () => 'unused'),
      },
      actor: { kind: 'user', id: 'admin' },
    });
  return { store, woken, revoke };
}

describe('revoking a grant', () => {
  it('makes the look at its owner due in the same commit, so that a lost hint loses nothing', async () => {
    const { store, woken, revoke } = await openGrants();
    await revoke(async () => undefined);
    expect(store.peek('grants', 'g1')).toBeUndefined();
    expect(store.peek('schedule', lookKey(user.id))).toBeDefined();
    expect(woken).toEqual([lookKey(user.id)]);
  });

  it('changes nothing when the role is gone at the moment of effect', async () => {
    const { store, woken, revoke } = await openGrants();
    await expect(revoke(() => Promise.reject(new Error('no longer an admin')))).rejects.toThrow('no longer an admin');
    expect([store.peek('grants', 'g1')?.id, store.peek('schedule', lookKey(user.id)), woken]).toEqual(['g1', undefined, []]);
  });
});
