import type { AgentRecord, WalkRecord } from '../../functions/core/records.ts';
import { createConfirmation } from '../../functions/directory/confirmation.ts';

const minute = 60_000;
const start = Date.UTC(2026, 10, 22);
const agent = (enabledAt: number) => ({ ownerEmail: 'alice@acme.test', enabledAt }) as AgentRecord;
const old = agent(start - 60 * minute);

function open() {
  let now = start;
  const asked: number[] = [];
  const lines: string[] = [];
  const held: { record: WalkRecord | undefined; answers?: Promise<void> } = { record: undefined };
  const confirm = createConfirmation({
    store: {
      async get() {
        asked.push(now);
        await held.answers;
        return held.record as never;
      },
    },
    clock: { now: () => now },
    log: { info: (line) => void lines.push(line), warn: (line) => void lines.push(line) },
  });
  return {
    ...{ confirm, asked, lines, held },
    read: (at: number) => {
      held.record = { name: 'roll-call', stamp: 1, startedAt: at, last: '', pages: 1, lastPages: 1, readAt: at };
    },
    pass: (ms: number) => (now += ms),
    accepts: (who: AgentRecord) =>
      confirm(who).then(
        () => true,
        () => false,
      ),
  };
}

describe('the confirmation of an agent’s owner', () => {
  it('is good for fifteen minutes from when the roll call began, and not a moment longer (REQ-WSEC-05)', async () => {
    const { read, pass, accepts } = open();
    read(start);
    pass(15 * minute);
    expect(await accepts(old)).toBe(true);
    pass(1);
    expect(await accepts(old)).toBe(false);
    read(start + 15 * minute);
    pass(5_000);
    expect(await accepts(old)).toBe(true);
  });

  it('lets an agent begin whose owner was read a moment ago, for as long', async () => {
    const { pass, accepts } = open();
    const fresh = agent(start);
    expect([await accepts(fresh), await accepts(old)]).toEqual([true, false]);
    pass(15 * minute + 1);
    expect(await accepts(fresh)).toBe(false);
  });

  it('says that nothing is lost, since when nobody knows, and that it may be tried again', async () => {
    const { read, pass, confirm } = open();
    read(start);
    pass(16 * minute);
    await expect(confirm(old)).rejects.toMatchObject({
      code: 'unavailable',
      told: true,
      message:
        'cannot accept this token now: that alice@acme.test may have an agent was last confirmed at 2026-11-22T00:00:00.000Z, and the Directory has not been read through since; nothing is lost, the agent goes on by itself when it answers again',
    });
  });

  it('asks the store for nothing while it knows enough, and at most once in five seconds while it does not', async () => {
    const { read, pass, accepts, asked } = open();
    read(start);
    for (let call = 0; call < 100; call += 1) await accepts(old);
    pass(10 * minute);
    for (let call = 0; call < 100; call += 1) await accepts(old);
    expect(asked).toHaveLength(1);
    pass(1);
    for (let seconds = 0; seconds < 60; seconds += 1) {
      for (let call = 0; call < 10; call += 1) await accepts(old);
      pass(1_000);
    }
    expect(asked).toHaveLength(1 + 12);
  });

  it('keeps callers waiting who come while the store is asked, instead of refusing them', async () => {
    const { read, accepts, held } = open();
    read(start);
    const { promise, resolve } = Promise.withResolvers<void>();
    held.answers = promise;
    const answers = Promise.all([accepts(old), accepts(old), accepts(old)]);
    resolve();
    expect(await answers).toEqual([true, true, true]);
  });

  it('says once in the log that agents are held and once that they go on', async () => {
    const { read, pass, accepts, lines } = open();
    read(start);
    pass(16 * minute);
    for (let call = 0; call < 20; call += 1) {
      await accepts(old);
      pass(10_000);
    }
    expect(lines).toEqual(['agents are held: the Directory was last read through at 2026-11-22T00:00:00.000Z; none is removed for that']);
    read(start + 19 * minute);
    for (let call = 0; call < 20; call += 1) await accepts(old);
    expect(lines.slice(1)).toEqual(['agents go on: the Directory was read through again']);
  });
});
