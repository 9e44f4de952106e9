import { createIdempotency, type KeptAnswer } from '../../functions/http/idempotency.ts';
import type { Sent } from '../../functions/core/sent.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { createHandClock, createHeardLog } from '../wake/loopback.ts';

const asked = { key: 'k', actor: { kind: 'user', id: 'admin' }, operation: 'restartAgent', input: {} } as const;
const answer: KeptAnswer = { status: 202, body: '{}' };

function open() {
  const [store, clock] = [createMemoryStore(), createHandClock()];
  let names = 0;
  const idempotency = createIdempotency({
    ...{ store, clock, hashing: nodeHashing, callMs: 1_000 },
    random: () => `holder-${(names += 1)}`,
  });
  const ctx = { signal: new AbortController().signal, log: createHeardLog() };
  const count = async () => (await store.get('leases', 'effect'))?.fence ?? 0;
  /** An effect that shows if it is had twice. */
  const effect = (sent: Sent) =>
    sent.once('effect').transact(async (tx) => {
      const fence = ((await tx.get('leases', 'effect'))?.fence ?? 0) + 1;
      tx.set('leases', 'effect', { agentId: 'effect', fence, holder: '', expiresAt: 0 });
      return { fence };
    });
  return { clock, count, effect, once: (work: (sent: Sent) => Promise<KeptAnswer>) => idempotency.once(asked, work, ctx) };
}

describe('what is kept with an Idempotency-Key', () => {
  it('is the effect of a call that failed after it, which goes on when it is sent again', async () => {
    const { once, effect, count } = open();
    const failing = once(async (sent) => {
      expect([sent.begun, await effect(sent)]).toEqual([false, { fence: 1 }]);
      throw new Error('the answer could not be made');
    });
    await expect(failing).rejects.toThrow('the answer could not be made');
    const again = await once(async (sent) => {
      expect([sent.begun, await effect(sent)]).toEqual([true, { fence: 1 }]);
      return answer;
    });
    expect([again, await count()]).toEqual([{ answer, replayed: false }, 1]);
  });

  it('lets a call do nothing more that was taken for dead and was only slow', async () => {
    const { once, effect, count, clock } = open();
    const slow = Promise.withResolvers<void>();
    const first = once(async (sent) => {
      await slow.promise;
      await effect(sent);
      return answer;
    });
    // Until it is begun.
    await new Promise((resolve) => setTimeout(resolve, 5));
    clock.pass(10_000);
    await once(async () => answer);
    slow.resolve();
    await expect(first).rejects.toMatchObject({ code: 'conflict' });
    expect(await count()).toBe(0);
  });

  it('names the same things when it is sent again, and others under another name', async () => {
    const { once } = open();
    const seen: string[][] = [];
    const name = async (sent: Sent): Promise<KeptAnswer> => {
      seen.push([sent.random(), sent.random()]);
      await sent.once('a').transact(async () => ({}));
      throw new Error('cut off');
    };
    await expect(once(name)).rejects.toThrow('cut off');
    await expect(once(name)).rejects.toThrow('cut off');
    expect(seen[0]).toEqual(seen[1]);
    expect(new Set(seen.flat()).size).toBe(2);
  });
});
