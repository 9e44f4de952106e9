import { createAuditLog, entry, hour, member, minute, second, start, suspend, toggle } from './audit-log.ts';

describe('a signal of the audit log', () => {
  it('makes a look at the owner of every agent of that address due, by immutable id (REQ-ID-04, REQ-WS-06)', async () => {
    const { own, signal, due, woken, lines } = createAuditLog();
    await own('a1', '1', 'alice@acme.test');
    await own('a2', '2', 'alice@acme.test');
    await signal(suspend(start - second));
    expect(due()).toEqual({ 'look/1': 0, 'look/2': 0 });
    expect(woken).toEqual(['look/1', 'look/2']);
    expect(lines).toHaveLength(1);
  });

  it('makes a look by address due where no agent is known, or none that is to run: the address may be somebody else’s now', async () => {
    const { own, signal, due } = createAuditLog();
    await own('a1', '1', 'bob@acme.test', 'removed');
    await signal(suspend(start, 'alice@acme.test'), suspend(start, 'bob@acme.test'));
    expect(due()).toEqual({ 'look/alice@acme.test': 0, 'look/1': 0, 'look/bob@acme.test': 0 });
  });

  it('costs two reads at most, by however many ways and however often one event is told', async () => {
    const { signal, run, wait, due } = createAuditLog();
    const event = suspend(start);
    const looks: string[] = [];
    for (const pause of [second, second, 2 * second, 4 * second, 8 * second, 30 * second, minute, 5 * minute]) {
      await wait(pause);
      await signal(event, event);
      looks.push(...(await run()));
    }
    expect(looks).toEqual(['look/alice@acme.test', 'look/alice@acme.test']);
    expect(due()).toEqual({});
  });

  it('reads at once what happened after the last look began', async () => {
    const { signal, run, wait, due } = createAuditLog();
    await signal(suspend(start));
    await run();
    await wait(second);
    await signal(suspend(start + second));
    expect(due()).toEqual({ 'look/alice@acme.test': second });
  });

  it('does not put off what a clock ahead of ours tells', async () => {
    const { signal, due } = createAuditLog();
    await signal(suspend(start + hour), member(start + hour, 'pilots@acme.test'));
    expect(due()).toMatchObject({ 'look/alice@acme.test': 0, 'group/pilots@acme.test': 0, 'regroup/pilots@acme.test': 11 * minute });
  });

  it('lists a deciding group at once, and every one when nested membership has settled (REQ-ID-03)', async () => {
    const { signal, due, woken } = createAuditLog();
    await signal(member(start, 'leads@acme.test'));
    expect(due()).toEqual({
      'look/alice@acme.test': 0,
      'group/Leads@acme.test': 0,
      'regroup/Leads@acme.test': 11 * minute,
      'regroup/pilots@acme.test': 11 * minute,
    });
    expect(woken).toEqual(['look/alice@acme.test', 'group/Leads@acme.test']);
  });

  it('lists every deciding group for a group that came into one: others move with it (REQ-ID-03)', async () => {
    const { signal, due } = createAuditLog();
    await signal(member(start, 'pilots@acme.test', 'emea@acme.test', 'group'));
    expect(due()).toMatchObject({ 'group/pilots@acme.test': 0, 'group/Leads@acme.test': minute });
  });

  it('looks at a person who came into a group that decides nothing, and lists the deciding ones when nested membership has settled', async () => {
    const { signal, due } = createAuditLog();
    await signal(member(start, 'emea@acme.test'));
    expect(due()).toEqual({
      'look/alice@acme.test': 0,
      'regroup/Leads@acme.test': 11 * minute,
      'regroup/pilots@acme.test': 11 * minute,
    });
  });

  it('leaves no change of a group without a listing eleven minutes later, however many follow', async () => {
    const { signal, run, wait, due } = createAuditLog();
    await signal(member(start, 'pilots@acme.test'));
    await run();
    await wait(9 * minute);
    await signal(member(start + 9 * minute, 'pilots@acme.test'));
    expect(due()).toMatchObject({ 'group/pilots@acme.test': 9 * minute, 'regroup/pilots@acme.test': 20 * minute });
    await run();
    await signal(member(start, 'pilots@acme.test'));
    expect(due()).toMatchObject({ 'regroup/pilots@acme.test': 20 * minute });
    expect(due()).not.toHaveProperty(['group/pilots@acme.test']);
  });

  it('walks through the directory when an org unit moved, for Google names none of its users (REQ-ID-03)', async () => {
    const { signal, run, wait } = createAuditLog();
    const moved = entry(start, 'MOVE_ORG_UNIT', { ORG_UNIT_NAME: '/Sales', NEW_VALUE: '/EMEA' });
    const walks: string[] = [];
    for (const pause of [0, second, 20 * second, minute]) {
      await wait(pause);
      await signal(moved);
      walks.push(...(await run()));
    }
    expect(walks).toEqual(['plane/walk', 'plane/walk']);
  });

  it('walks when our service was switched, once for each change, and only then (REQ-WS-01)', async () => {
    const { store, signal, run } = createAuditLog();
    await signal(toggle(start + hour, false));
    expect(await run()).toEqual(['plane/walk']);
    await signal(toggle(start + hour, false), toggle(start, true));
    expect(await run()).toEqual([]);
    expect(await store.get('services', 'organization')).toEqual({ scope: 'organization', enabled: false, at: start + hour });
  });

  it('touches nothing for what affects nobody', async () => {
    const { signal, store } = createAuditLog();
    await signal(entry(start, 'CHANGE_CALENDAR_SETTING', {}), entry(start, 'SUSPEND_USER', {}));
    await signal();
    expect([...store.entries('schedule'), ...store.entries('polls')]).toEqual([]);
  });
});
