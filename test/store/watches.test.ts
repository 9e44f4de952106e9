import { createWatches, isSame } from '../../functions/store/watches.ts';

describe('watches', () => {
  const change = [{ collection: 'joins', id: 'j' }] as const;

  it('hold nothing once a wait has ended by a change, an abort or an error', async () => {
    const watches = createWatches();
    let differs = false;
    const ending = new AbortController();
    const until = (look: () => boolean) => watches.until('joins', 'j', look, ending.signal);
    const changed = until(() => differs);
    const ended = until(() => false);
    let looks = 0;
    const failed = until(() => {
      looks += 1;
      if (looks > 1) throw new Error('the disk is gone');
      return false;
    });
    expect(watches.count()).toBe(3);
    differs = true;
    watches.tell(change);
    await changed;
    await expect(failed).rejects.toThrow('the disk is gone');
    expect(watches.count()).toBe(1);
    ending.abort();
    await ended;
    expect(watches.count()).toBe(0);
  });

  it('refuse everybody who waits when they are ended', async () => {
    const watches = createWatches();
    const waiting = ['j', 'k'].map((id) => watches.until('joins', id, () => false, new AbortController().signal));
    const refused = waiting.map((wait) => expect(wait).rejects.toThrow('closed'));
    watches.end(new Error('closed'));
    await Promise.all(refused);
    expect(watches.count()).toBe(0);
  });

  it('compare documents whatever the order of their members', () => {
    expect(isSame({ a: 1, b: { c: [2], d: undefined } }, { b: { c: [2] }, a: 1 })).toBe(true);
    expect(isSame({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
    expect(isSame(undefined, {})).toBe(false);
    expect(isSame(undefined, undefined)).toBe(true);
  });
});
