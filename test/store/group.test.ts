import { createGroup, type Disk } from '../../functions/store/group.ts';

function openDisk() {
  const saved = new Map<string, string | undefined>();
  const savings: { readonly ids: readonly string[]; end(refused?: string): void; fail(error: Error): void }[] = [];
  const disk: Disk<string> = {
    read: (_collection, id) => saved.get(id),
    save(writes) {
      const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<Disk<string>['save']>>>();
      savings.push({
        ids: writes.map(({ id }) => id),
        end(refused) {
          const write = writes.find(({ id }) => id === refused);
          if (!write) for (const { id, held } of writes) saved.set(id, held);
          resolve(write && { write, error: new Error(`cannot store ${write.id}`) });
        },
        fail: reject,
      });
      return promise;
    },
  };
  return { group: createGroup(disk), saved, savings };
}

const write = (id: string) => [{ collection: 'agents', id, held: `text of ${id}` }] as const;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const outcomeOf = async (answer: true | Promise<boolean>): Promise<string> =>
  Promise.race([Promise.resolve(answer).then(String, String), turn().then(() => 'waits')]);

describe('a group of transactions', () => {
  it('is told durable only once the disk says so, and a reader of it no sooner', async () => {
    const { group, saved, savings } = openDisk();
    const first = group.apply(write('a'));
    await turn();
    expect([group.read('agents', 'a'), saved.size]).toEqual(['text of a', 0]);
    const reader = group.apply([]);
    expect([await outcomeOf(first), await outcomeOf(reader)]).toEqual(['waits', 'waits']);
    savings[0]?.end();
    expect([await first, await reader]).toEqual([true, true]);
  });

  it('gathers what comes while the disk is busy into one step', async () => {
    const { group, saved, savings } = openDisk();
    const first = group.apply(write('a'));
    await turn();
    const later = [group.apply(write('b')), group.apply(write('c'))];
    await turn();
    expect(savings.map(({ ids }) => ids)).toEqual([['a']]);
    savings[0]?.end();
    await first;
    await turn();
    expect(savings.map(({ ids }) => ids)).toEqual([['a'], ['b', 'c']]);
    savings[1]?.end();
    for (const each of later) expect(await each).toBe(true);
    expect([...saved.keys()]).toEqual(['a', 'b', 'c']);
  });

  it('refuses whoever wrote what can never be saved, and has all others run again, whoever built on it too', async () => {
    const { group, savings } = openDisk();
    const [bad, beside] = [group.apply(write('bad')), group.apply(write('beside'))];
    await turn();
    expect(group.read('agents', 'bad')).toBe('text of bad');
    const [built, read] = [group.apply(write('built')), group.apply([])];
    savings[0]?.end('bad');
    await expect(bad).rejects.toThrow('cannot store bad');
    expect([await beside, await built, await read]).toEqual([false, false, false]);
    expect([group.read('agents', 'bad'), group.read('agents', 'built')]).toEqual([undefined, undefined]);
    const again = group.apply(write('built'));
    await turn();
    savings[1]?.end();
    expect(await again).toBe(true);
  });

  it('tells whoever wrote when the disk fails, and lets whoever only read or came later try again', async () => {
    const { group, savings } = openDisk();
    const writer = group.apply(write('a'));
    const reader = group.apply([]);
    await turn();
    const later = group.apply(write('b'));
    savings[0]?.fail(new Error('no space'));
    await expect(writer).rejects.toThrow('no space');
    expect([await reader, await later]).toEqual([false, false]);
  });
});
