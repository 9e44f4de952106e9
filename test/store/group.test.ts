import { createGroup, type Disk } from '../../functions/store/group.ts';

function openDisk() {
  const saved = new Map<string, string | undefined>();
  const syncs: PromiseWithResolvers<undefined>[] = [];
  const disk: Disk<string> = {
    read: (_collection, id) => saved.get(id),
    save(writes) {
      for (const { id, held } of writes) saved.set(id, held);
      return undefined;
    },
    sync() {
      const sync = Promise.withResolvers<undefined>();
      syncs.push(sync);
      return sync.promise;
    },
  };
  return { group: createGroup(disk), saved, syncs };
}

const write = (id: string) => [{ collection: 'agents', id, held: `text of ${id}` }] as const;
const turn = () => new Promise((resolve) => setImmediate(resolve));
const outcomeOf = async (answer: true | Promise<boolean>): Promise<string> =>
  Promise.race([Promise.resolve(answer).then(String, String), turn().then(() => 'waits')]);

describe('a group of transactions', () => {
  it('is told durable only once the disk says so, and a reader of it no sooner', async () => {
    const { group, syncs } = openDisk();
    const first = group.apply(write('a'));
    await turn();
    expect(group.read('agents', 'a')).toBe('text of a');
    const reader = group.apply([]);
    expect([await outcomeOf(first), await outcomeOf(reader)]).toEqual(['waits', 'waits']);
    syncs[0]?.resolve(undefined);
    expect(await first).toBe(true);
    await turn();
    syncs[1]?.resolve(undefined);
    expect(await reader).toBe(true);
  });

  it('gathers what comes while the disk is busy into one step', async () => {
    const { group, syncs, saved } = openDisk();
    const first = group.apply(write('a'));
    await turn();
    const later = [group.apply(write('b')), group.apply(write('c'))];
    await turn();
    expect([...saved.keys()]).toEqual(['a']);
    syncs[0]?.resolve(undefined);
    await first;
    await turn();
    expect([...saved.keys(), syncs.length]).toEqual(['a', 'b', 'c', 2]);
    syncs[1]?.resolve(undefined);
    for (const each of later) expect(await each).toBe(true);
  });

  it('tells whoever wrote when the disk fails, and lets whoever only read try again', async () => {
    const { group, syncs } = openDisk();
    const writer = group.apply(write('a'));
    const reader = group.apply([]);
    await turn();
    syncs[0]?.reject(new Error('no space'));
    await expect(writer).rejects.toThrow('no space');
    expect(await reader).toBe(false);
  });
});
