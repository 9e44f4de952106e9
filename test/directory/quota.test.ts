import {
  createQuota,
  googleLanes,
  googleQuotas,
  longestWaitMs,
  mostInAMinute,
  penaltyMs,
  portionLifeMs,
  type GoogleLane,
  type LaneShare,
} from '../../functions/directory/quota.ts';
import { createQuota as createGoogleBucket } from '../../scripts/local/workspace/quota.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

const laneNames = Object.keys(googleLanes) as GoogleLane[];
const start = 1_700_000_000_000;

/** Several processes with clocks that differ a little, on one store; time goes on by hand and by sleeping. */
function openProcesses(skewsMs: readonly number[] = [0], lanes: Readonly<Record<GoogleLane, LaneShare>> = googleLanes) {
  let time = start;
  let transactions = 0;
  const slept: number[] = [];
  const memory = createMemoryStore();
  const store = {
    transact: <T>(work: Parameters<typeof memory.transact<T>>[0]) => {
      transactions += 1;
      return memory.transact(work);
    },
  };
  const processes = skewsMs.map((skewMs) =>
    createQuota({
      ...{ store, lanes, quotas: googleQuotas },
      clock: { now: () => time + skewMs },
      async sleep(ms, signal) {
        signal.throwIfAborted();
        slept.push(ms);
        time += ms;
      },
    }),
  );
  const [first] = processes;
  if (!first) throw new Error('no process');
  const drain = async (lane: GoogleLane, quota = first) => {
    let count = 0;
    while ((await quota.tryTake(lane)) === undefined) count += 1;
    return count;
  };
  return {
    ...{ processes, first, slept, drain },
    now: () => time,
    advance: (ms: number) => void (time += ms),
    transactions: () => transactions,
  };
}

const signal = new AbortController().signal;

describe('the shares of the quota', () => {
  it('never allow more together than Google does, whatever the number of processes', () => {
    for (const [name, allowed] of Object.entries(googleQuotas)) {
      const lanes = Object.values<LaneShare>(googleLanes).filter(({ of }) => of === name);
      expect(mostInAMinute(lanes)).toBeLessThanOrEqual(allowed);
    }
    const greedy = { ...googleLanes, reads: { ...googleLanes.reads, burst: 400 } };
    expect(() => openProcesses([0], greedy)).toThrow(/directory: together they may make 2495 calls in a minute; allowed is 2400/);
    expect(() => openProcesses([0], { ...googleLanes, reads: { ...googleLanes.reads, of: 'none' } })).toThrow(/there is no quota none/);
    expect(() => openProcesses([0], { ...googleLanes, reads: { ...googleLanes.reads, portion: 0 } })).toThrow(/its portion is 0/);
  });

  it.each([
    ['call as fast as they can', 1],
    ['hoard what they take as long as they may', 49],
  ])('are kept by processes that %s, so that Google refuses none of them', async (_, everySteps) => {
    const { processes, now, advance, drain } = openProcesses([0, 700, -700, 300, 0, -200]);
    const bucket = createGoogleBucket({ queriesPerMinute: googleQuotas.directory, now });
    const called: { at: number; count: number }[] = [];
    const byLane: Partial<Record<GoogleLane, number>> = {};
    let refused = 0;
    const lanes = laneNames.filter((lane) => googleLanes[lane].of === 'directory');
    for (let step = 0; step < 3_000; step += 1) {
      for (const quota of processes)
        for (const lane of lanes) {
          const first = step % everySteps === 0 && (await quota.tryTake(lane)) === undefined ? 1 : 0;
          const count = first + (step % everySteps === everySteps - 1 ? await drain(lane, quota) : 0);
          byLane[lane] = (byLane[lane] ?? 0) + count;
          if (count > 0) called.push({ at: now(), count });
          for (let call = 0; call < count; call += 1) if (!bucket.take('plane')) refused += 1;
        }
      advance(100);
    }
    expect(refused).toBe(0);
    let most = 0;
    let sum = 0;
    let from = 0;
    for (const { at, count } of called) {
      sum += count;
      for (; (called[from]?.at ?? at) <= at - 60_000; from += 1) sum -= called[from]?.count ?? 0;
      most = Math.max(most, sum);
    }
    expect(most).toBeLessThanOrEqual(googleQuotas.directory);
    // Five minutes give each lane its burst and most of what refills.
    for (const lane of lanes) {
      const { burst, perMinute } = googleLanes[lane];
      expect(byLane[lane]).toBeGreaterThan(burst + (everySteps === 1 ? 4.5 : 3) * perMinute);
    }
  });

  it('let a thousand suspended users be read at once, however busy all other lanes are (REQ-WSEC-05)', async () => {
    const { first, slept, drain } = openProcesses();
    for (const lane of ['reads', 'status', 'heartbeats'] as const) await drain(lane);
    await Promise.all(Array.from({ length: 1_000 }, () => first.take('offboarding', signal)));
    expect(slept).toEqual([]);
  });

  it('are taken from the store in portions, and a used-up lane asks it about once a second', async () => {
    const { first, drain, transactions, advance } = openProcesses();
    for (let call = 0; call < 1_000; call += 1) await first.take('offboarding', signal);
    expect(transactions()).toBe(20);
    await drain('reads');
    const before = transactions();
    for (let step = 0; step < 300; step += 1) {
      await drain('reads');
      advance(100);
    }
    expect(transactions() - before).toBeLessThanOrEqual(62);
  });

  it('share one question to the store among callers of one process', async () => {
    const { first, transactions } = openProcesses();
    await Promise.all(Array.from({ length: 50 }, () => first.take('offboarding', signal)));
    expect(transactions()).toBe(1);
  });
});

describe('a used-up lane', () => {
  it('makes callers wait a few seconds at most, then says so', async () => {
    const { first, slept, drain, now } = openProcesses();
    await drain('heartbeats');
    await first.take('heartbeats', signal);
    expect(slept).toEqual([1_000]);
    const begun = now();
    const closed = Array.from({ length: 20 }, () => first.take('heartbeats', signal));
    const results = await Promise.allSettled(closed);
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]?.reason).toMatchObject({ code: 'tooManyRequests', message: expect.stringContaining('share heartbeats') as string });
    expect(now() - begun).toBeLessThanOrEqual(20 * longestWaitMs);
  });

  it('lets go of callers whose time is over', async () => {
    const { first, drain } = openProcesses();
    await drain('heartbeats');
    await expect(first.take('heartbeats', AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
  });

  it('says when there may be a call again, and there is one then', async () => {
    const { first, drain, advance } = openProcesses();
    await drain('reads');
    const waitMs = (await first.tryTake('reads')) ?? 0;
    expect(waitMs).toBeGreaterThan(0);
    advance(waitMs);
    expect(await first.tryTake('reads')).toBeUndefined();
  });
});

describe('an idle lane', () => {
  it('saves up its burst and no more', async () => {
    const { drain, advance } = openProcesses();
    expect(await drain('status')).toBe(googleLanes.status.burst);
    advance(3_600_000);
    expect(await drain('status')).toBe(googleLanes.status.burst);
  });
});

describe('a portion', () => {
  it('that was not used within seconds is dropped, so that old ones never add up', async () => {
    const { first, advance, transactions } = openProcesses();
    await first.take('offboarding', signal);
    advance(portionLifeMs - 1);
    await first.take('offboarding', signal);
    expect(transactions()).toBe(1);
    advance(1);
    await first.take('offboarding', signal);
    expect(transactions()).toBe(2);
  });
});

describe('a refusal by Google', () => {
  it('closes the lane for a moment for every process, and no other lane', async () => {
    const { processes, first, advance } = openProcesses([0, 0]);
    const [, second] = processes;
    expect(await first.penalize('reads')).toBe(penaltyMs);
    for (const quota of [first, second]) {
      expect(await quota?.tryTake('reads')).toBeGreaterThanOrEqual(penaltyMs);
      expect(await quota?.tryTake('offboarding')).toBeUndefined();
    }
    advance(penaltyMs);
    expect(await second?.tryTake('reads')).toBeUndefined();
    expect(await first.tryTake('reads')).toBeUndefined();
  });

  it('halves what was left, and leaves enough to go on with a thousand removals', async () => {
    const { first, advance, drain } = openProcesses();
    await first.penalize('offboarding');
    advance(penaltyMs);
    expect(await drain('offboarding')).toBe(500);
  });

  it('counts once, however many calls were refused together', async () => {
    const { first, transactions } = openProcesses();
    await Promise.all(Array.from({ length: 30 }, () => first.penalize('status')));
    expect(transactions()).toBe(1);
  });
});
