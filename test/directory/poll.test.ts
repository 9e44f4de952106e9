import { createAuditLog, hour, member, minute, second, start, suspend } from './audit-log.ts';

describe('a poll of the audit log', () => {
  it('reaches a day back at first, and then ten minutes behind the newest entry', async () => {
    const { poll, logged, asked, told, wait, store } = createAuditLog();
    logged.push(suspend(start - 25 * hour), suspend(start - 23 * hour), suspend(start - minute));
    expect(await poll()).toEqual({ acted: 2, more: false });
    expect(told.map(({ at }) => at)).toEqual([start - minute, start - 23 * hour]);
    expect(await store.get('polls', 'admin')).toEqual({ application: 'admin', readUntil: start - minute });
    await wait(30 * second);
    await poll();
    expect(asked).toEqual([start - 24 * hour, start - 11 * minute]);
  });

  it('moves on through silence, never past its own beginning and never back', async () => {
    const { poll, logged, store, wait } = createAuditLog();
    const readUntil = async () => ((await store.get('polls', 'admin'))?.readUntil ?? 0) - start;
    await poll();
    expect(await readUntil()).toBe(-2 * minute);
    logged.push(suspend(start + hour));
    await poll();
    expect(await readUntil()).toBe(0);
    await wait(minute);
    logged.pop();
    await poll();
    expect(await readUntil()).toBe(0);
  });

  it('finds an entry that appears late, within the overlap (REQ-ID-04)', async () => {
    const { pollUnaware, logged, wait, due } = createAuditLog();
    logged.push(suspend(start - second, 'bob@acme.test'));
    await pollUnaware();
    await wait(9 * minute);
    logged.push(suspend(start - 30 * second, 'alice@acme.test'));
    await pollUnaware();
    expect(due()).toHaveProperty(['look/alice@acme.test'], 0 + 9 * minute);
  });

  it('costs nothing for entries that it reads again and that were seen', async () => {
    const { pollUnaware, logged, wait, run } = createAuditLog();
    logged.push(suspend(start), member(start, 'pilots@acme.test'));
    const runs: string[] = [];
    for (let polls = 0; polls < 20; polls += 1) {
      await pollUnaware();
      runs.push(...(await run()));
      await wait(30 * second);
    }
    expect(runs).toEqual(['look/alice@acme.test', 'look/alice@acme.test']);
  });

  it('stores nothing when a page fails, and reads all of it again', async () => {
    const { poll, logged, failAfter, store, asked, told } = createAuditLog();
    for (let index = 0; index < 100; index += 1) logged.push(suspend(start - index * second, `user-${index}@acme.test`));
    failAfter(70);
    await expect(poll()).rejects.toThrow('503');
    expect(await store.get('polls', 'admin')).toBeUndefined();
    failAfter(Infinity);
    await poll();
    expect(asked[1]).toBe(asked[0]);
    expect(new Set(told).size).toBe(100);
  });

  it('makes a thousand suspensions at once due in one poll (REQ-WSEC-05)', async () => {
    const { pollUnaware, logged, due } = createAuditLog();
    for (let index = 0; index < 1_000; index += 1) logged.push(suspend(start - (index % 7), `user-${index}@acme.test`));
    expect(await pollUnaware()).toEqual({ acted: 1_000, more: false });
    expect(Object.keys(due())).toHaveLength(1_000);
  });

  it('goes on where it was cut off and loses nothing, with new and late entries meanwhile', async () => {
    const { poll, logged, told, warnings, wait } = createAuditLog({ acted: 100, listed: 10_000 });
    for (let index = 0; index < 450; index += 1) logged.push(suspend(start - Math.floor(index / 3) * second, `user-${index}@acme.test`));
    const actedOn: number[] = [];
    const rests: boolean[] = [];
    for (let polls = 0; polls < 20; polls += 1) {
      const { acted, more } = await poll();
      actedOn.push(acted);
      rests.push(more);
      if (polls < 5)
        logged.push(suspend(start + polls, `new-${polls}@acme.test`), suspend(start - 2 * second * polls, `late-${polls}@acme.test`));
      await wait(second);
    }
    expect(Math.max(...actedOn)).toBeLessThanOrEqual(102);
    expect(rests.slice(0, 6)).toEqual([true, true, true, true, false, true]);
    expect(warnings.length).toBeGreaterThan(2);
    expect(logged.filter((each) => !told.includes(each))).toEqual([]);
  });

  it('gives up on more than it may page through, and says which time nobody read', async () => {
    const { poll, logged, warnings, store } = createAuditLog({ acted: 100, listed: 150 });
    for (let index = 0; index < 500; index += 1) logged.push(suspend(start - index * second, `user-${index}@acme.test`));
    expect(await poll()).toEqual({ acted: 100, more: true });
    // One more than 50: the entry at the mark itself is read by both.
    expect(await poll()).toEqual({ acted: 51, more: false });
    expect(warnings[1]).toMatch(/: \S+Z to \S+Z has more than 150 entries; the walk finds/);
    expect(await store.get('polls', 'admin')).toMatchObject({ readUntil: start });
  });

  it('finds what appeared late while it was busy with a rest', async () => {
    const { poll, logged, told, wait, clock } = createAuditLog({ acted: 100, listed: 10_000 });
    for (let index = 0; index < 249; index += 1) logged.push(suspend(start - 9 * minute - index * second, `user-${index}@acme.test`));
    logged.push(suspend(start, 'newest@acme.test'));
    expect(await poll()).toMatchObject({ more: true });
    const late = suspend(start - 5 * minute, 'late@acme.test');
    logged.push(late);
    for (const more of [true, false]) {
      await wait(6 * minute);
      logged.push(suspend(clock.now(), 'new@acme.test'));
      expect(await poll()).toMatchObject({ more });
    }
    expect(told).not.toContain(late);
    await poll();
    expect(told).toContain(late);
  });

  it('is never cut off within a millisecond, so that it always comes on', async () => {
    const { poll, logged, told } = createAuditLog({ acted: 10, listed: 10_000 });
    for (let index = 0; index < 130; index += 1) logged.push(suspend(start - minute, `user-${index}@acme.test`));
    expect(await poll()).toEqual({ acted: 130, more: false });
    expect(new Set(told).size).toBe(130);
  });
});
