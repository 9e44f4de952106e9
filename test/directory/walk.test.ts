import { decideApproval } from '../../functions/directory/approvals.ts';
import { recordServices } from '../../functions/directory/services.ts';
import { inOu, openCompany, toPlane, type Company } from './company.ts';

const enabled = { agentEnabled: true };
const hour = 3_600_000;
const byOu = toPlane([inOu('/Sales', enabled)]);
const admin = { kind: 'user', id: 'admin@acme.test' } as const;

const hireMany = (company: Company, from: number, count: number, ouPath: string) =>
  Array.from({ length: count }, (_, at) => company.hire(from + at, ouPath));
const running = async (company: Company) => Object.values(await company.desired()).filter((desired) => desired === 'running').length;
const waiting = async (company: Company) =>
  (await company.store.query('approvals', 'byState', { equals: ['acme', 'waiting'], limit: 10 }))[0];
const conditionsOf = async (company: Company, id: string) =>
  (await company.store.get('agents', company.agentIdOf(id)))?.conditions.map(({ type }) => type);

describe('a walk through the directory', () => {
  it('makes agents for everybody whom policy enables, without any signal (REQ-ID-03, REQ-WS-03)', async () => {
    const company = openCompany(byOu);
    hireMany(company, 1, 20, '/Sales');
    hireMany(company, 50, 20, '/Engineering');
    await company.begin();
    expect(await running(company)).toBe(20);
  });

  it.each([
    ['suspended', (company: Company, id: string) => company.change(id, { active: false, inactiveBecause: 'suspended' })],
    ['deleted', (company: Company, id: string) => company.fire(id)],
    ['switched off by user', (company: Company, id: string) => company.change(id, { fields: { agentEnabled: false } })],
  ])('finds within the hour who was %s while every signal was lost (REQ-ID-04)', async (reason, happen) => {
    const company = openCompany(byOu);
    hireMany(company, 1, 25, '/Sales');
    await company.begin();
    happen(company, '1007');
    await company.pass(hour);
    const agent = await company.store.get('agents', company.agentIdOf('1007'));
    expect(agent).toMatchObject({ desired: 'removed', reason });
    expect(await running(company)).toBe(24);
  });

  it('finds within the hour who was enabled, moved, renamed or put into a group while every signal was lost', async () => {
    const leads = { match: { group: 'leads@acme.test' }, spec: { modelTier: 'opus' } } as const;
    const company = openCompany(toPlane([inOu('/Sales', enabled), leads]));
    company.groups.set('leads@acme.test', new Set());
    hireMany(company, 1, 3, '/Sales');
    company.hire(9, '/Engineering');
    await company.begin();
    company.change('1001', { email: 'z@acme.test' });
    company.change('1002', { ouPath: '/Engineering' });
    company.groups.get('leads@acme.test')?.add('1003');
    company.change('1009', { fields: { agentEnabled: true } });
    await company.pass(hour);
    expect(await company.desired()).toEqual({ 1001: 'running', 1002: 'removed', 1003: 'running', 1009: 'running' });
    expect(await company.store.get('agents', company.agentIdOf('1001'))).toMatchObject({ ownerEmail: 'z@acme.test', incarnation: 1 });
    expect(await company.store.get('agents', company.agentIdOf('1003'))).toMatchObject({ spec: { modelTier: 'opus' } });
  });

  it('asks the directory less than once an hour for each enabled user while nothing changes', async () => {
    const company = openCompany(byOu, { pageSize: 500 });
    hireMany(company, 1, 24, '/Sales');
    hireMany(company, 100, 300, '/Engineering');
    await company.begin();
    await company.pass(2 * hour);
    company.calls.length = 0;
    await company.pass(10 * hour);
    const beside = company.calls.filter((what) => !what.startsWith('activities'));
    expect(beside.length).toBeLessThanOrEqual(24 * 10);
    expect(beside.filter((what) => what === 'users.get')).toEqual([]);
  });

  it('never takes a page that failed for people who are gone', async () => {
    const company = openCompany(byOu);
    hireMany(company, 1, 25, '/Sales');
    await company.begin();
    company.failures.push(new Error('503'), new Error('503'), new Error('503'));
    await company.due('plane/walk');
    await company.pass(60_000);
    expect(await running(company)).toBe(25);
    expect(company.calls).toContain('users.list');
  });

  it('goes on after a crash in the middle where it was, and begins anew when asked again', async () => {
    const company = openCompany(byOu);
    hireMany(company, 1, 25, '/Sales');
    await company.due('plane/rolling');
    await company.pass(0);
    expect(await company.store.get('walks', 'rolling')).toMatchObject({ pages: 1, last: 'u1010@acme.test' });
    await company.due('plane/rolling');
    await company.pass(0);
    expect(await company.store.get('walks', 'rolling')).toMatchObject({ pages: 1 });
    await company.pass(5_000);
    expect(await running(company)).toBe(25);
  });
});

describe('what policy alone would do to more than 25 agents', () => {
  async function openMany(count: number): Promise<Company> {
    const company = openCompany(byOu);
    hireMany(company, 1, count, '/Sales');
    await company.begin();
    return company;
  }

  it('waits for an admin, and goes on when approved (REQ-WS-03)', async () => {
    const company = await openMany(26);
    expect(await running(company)).toBe(0);
    const approval = await waiting(company);
    expect(approval).toMatchObject({ creates: 26, removes: 0 });
    expect(company.lines.join()).toContain('policy would create 26 and remove 0 agents at once');
    await company.pass(2 * hour);
    expect(await running(company)).toBe(0);
    await decideApproval('acme', approval?.id ?? '', 'approve', admin, undefined, company.deps);
    await company.pass(1_000);
    expect(await running(company)).toBe(26);
    expect(await company.store.query('holds', 'byApproval', { equals: [approval?.id ?? ''], limit: 1 })).toEqual([]);
  });

  it('keeps agents that would be removed running and says so on each, while their other settings follow', async () => {
    const company = await openMany(25);
    hireMany(company, 30, 15, '/Sales');
    await company.due('plane/walk');
    await company.pass(1_000);
    expect(await running(company)).toBe(40);
    for (const id of company.users.keys()) company.change(id, { ouPath: '/Elsewhere' });
    await company.due('plane/walk');
    await company.pass(1_000);
    expect(await waiting(company)).toMatchObject({ creates: 0, removes: 40 });
    await company.due('look/1001');
    await company.pass(1_000);
    expect(await running(company)).toBe(40);
    expect(await company.store.get('agents', company.agentIdOf('1001'))).toMatchObject({ desired: 'running', ouPath: '/Elsewhere' });
    expect(await conditionsOf(company, '1001')).toEqual(['NeedsApproval']);
  });

  it('never holds up a suspension, a deletion or an edit of the user\u2019s own page (REQ-WSEC-05)', async () => {
    const company = await openMany(25);
    hireMany(company, 30, 15, '/Sales');
    await company.due('plane/walk');
    await company.pass(1_000);
    for (const id of company.users.keys()) company.change(id, { ouPath: '/Elsewhere' });
    await company.due('plane/walk');
    await company.pass(1_000);
    company.change('1001', { active: false, inactiveBecause: 'suspended' });
    company.fire('1002');
    company.change('1003', { fields: { agentEnabled: false } });
    for (const id of ['1001', '1002', '1003']) await company.due(`look/${id}`);
    await company.pass(1_000);
    expect(await running(company)).toBe(37);
  });

  it('never holds up many suspensions at once', async () => {
    const company = await openMany(25);
    hireMany(company, 30, 15, '/Sales');
    await company.due('plane/walk');
    await company.pass(1_000);
    for (const id of company.users.keys()) company.change(id, { active: false, inactiveBecause: 'suspended' });
    await company.due('plane/walk');
    await company.pass(1_000);
    expect([await running(company), await waiting(company)]).toEqual([0, undefined]);
    for (const id of company.users.keys()) company.change(id, { active: true });
    await company.due('plane/walk');
    await company.pass(1_000);
    expect(await running(company)).toBe(40);
  });

  it('stays as it is when denied, until somebody thinks again', async () => {
    const company = await openMany(30);
    const approval = await waiting(company);
    await decideApproval('acme', approval?.id ?? '', 'deny', admin, 'too many', company.deps);
    await company.pass(3 * hour);
    expect([await running(company), await waiting(company)]).toEqual([0, undefined]);
    await decideApproval('acme', approval?.id ?? '', 'approve', admin, undefined, company.deps);
    await company.pass(1_000);
    expect(await running(company)).toBe(30);
    await expect(decideApproval('acme', approval?.id ?? '', 'deny', admin, undefined, company.deps)).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('is withdrawn when policy no longer wants it, and what is left of it goes on', async () => {
    const company = await openMany(30);
    for (let id = 1_001; id <= 1_010; id += 1) company.change(String(id), { ouPath: '/Elsewhere' });
    await company.due('plane/walk');
    await company.pass(1_000);
    expect([await running(company), await waiting(company)]).toEqual([20, undefined]);
  });

  it('may be asked again once policy has gone back on what an admin said no to', async () => {
    const company = await openMany(25);
    hireMany(company, 30, 15, '/Sales');
    const walk = async () => {
      await company.due('plane/walk');
      await company.pass(1_000);
    };
    await walk();
    for (const id of company.users.keys()) company.change(id, { ouPath: '/Elsewhere' });
    await walk();
    await decideApproval('acme', (await waiting(company))?.id ?? '', 'deny', admin, undefined, company.deps);
    for (const id of company.users.keys()) await company.due(`look/${id}`);
    await company.pass(1_000);
    expect(await conditionsOf(company, '1001')).toEqual(['NeedsApproval']);
    for (const id of company.users.keys()) company.change(id, { ouPath: '/Sales' });
    await walk();
    company.change('1001', { ouPath: '/Elsewhere' });
    await walk();
    expect((await company.desired())['1001']).toBe('removed');
    expect(await running(company)).toBe(39);
  });

  it('counts who was renamed during the walk with all others, wherever their new address lies', async () => {
    const company = await openMany(25);
    company.hire(30, '/Sales');
    await company.due('plane/walk');
    await company.pass(1_000);
    await recordServices([{ scope: 'ou:/Sales', enabled: false, at: company.now() }], company.deps);
    company.change('1003', { email: 'z@acme.test' });
    company.change('1030', { email: 'a@acme.test' });
    await company.due('plane/walk');
    await company.pass(1_000);
    expect(await waiting(company)).toMatchObject({ creates: 0, removes: 26 });
    await company.pass(2 * hour);
    expect([await running(company), Object.keys(await company.desired()).length]).toEqual([26, 26]);
    await decideApproval('acme', (await waiting(company))?.id ?? '', 'approve', admin, undefined, company.deps);
    await company.pass(1_000);
    expect(await running(company)).toBe(0);
  });

  it('is asked for though policy changes while many looks that a walk wanted for something else are on their way', async () => {
    const company = await openMany(25);
    hireMany(company, 30, 15, '/Sales');
    await company.due('plane/walk');
    await company.pass(1_000);
    for (const id of company.users.keys()) company.change(id, { name: `New name of ${id}` });
    await company.due('plane/walk');
    await company.runOne('plane/walk');
    for (const id of company.users.keys()) company.change(id, { ouPath: '/Elsewhere' });
    await company.pass(1_000);
    expect(await running(company)).toBe(40);
    expect(await company.store.get('agents', company.agentIdOf('1001'))).toMatchObject({ ownerName: 'New name of 1001' });
    await company.pass(2 * hour);
    expect([await running(company), (await waiting(company))?.removes]).toEqual([40, 40]);
  });

  it('takes in who comes later instead of letting them through one by one', async () => {
    const company = await openMany(30);
    hireMany(company, 40, 5, '/Sales');
    await company.due('plane/walk');
    await company.pass(1_000);
    expect(await running(company)).toBe(0);
    expect(await waiting(company)).toMatchObject({ creates: 35 });
  });
});

describe('a group that cannot be read', () => {
  it('keeps nobody from being found who left, and judges nobody by policy meanwhile (REQ-ID-04)', async () => {
    const leads = { match: { group: 'leads@acme.test' }, spec: { modelTier: 'opus' } } as const;
    const company = openCompany(toPlane([leads]), { pageSize: 100 });
    hireMany(company, 1, 5, '/').forEach(({ id }) => company.change(id, { fields: enabled }));
    for (const id of company.users.keys()) await company.due(`look/${id}`);
    await company.pass(1_000);
    expect(await running(company)).toBe(5);
    company.unreadable = true;
    company.change('1001', { active: false, inactiveBecause: 'suspended' });
    company.fire('1002');
    await company.begin();
    await company.pass(hour);
    expect(await company.desired()).toMatchObject({ 1001: 'removed', 1002: 'removed', 1003: 'running' });
    expect(company.calls.filter((what) => what === 'members.list').length).toBeLessThan(200);
  });
});

describe('a group that decides', () => {
  const byGroup = toPlane([{ match: { group: 'pilots@acme.test' }, spec: enabled }]);

  it('makes and removes agents as people come and go (REQ-ID-03)', async () => {
    const company = openCompany(byGroup);
    hireMany(company, 1, 5, '/');
    company.groups.set('pilots@acme.test', new Set(['1001']));
    await company.begin();
    expect(await company.desired()).toEqual({ 1001: 'running' });
    company.groups.set('pilots@acme.test', new Set(['1002', '1003']));
    await company.due('group/pilots@acme.test');
    await company.pass(1_000);
    expect(await company.desired()).toEqual({ 1001: 'removed', 1002: 'running', 1003: 'running' });
  });

  it('waits for an admin when it would remove many at once, as when it is deleted', async () => {
    const company = openCompany(byGroup);
    const people = hireMany(company, 1, 30, '/').map(({ id }) => id);
    company.groups.set('pilots@acme.test', new Set(people));
    await company.begin();
    await decideApproval('acme', (await waiting(company))?.id ?? '', 'approve', admin, undefined, company.deps);
    await company.pass(1_000);
    company.groups.delete('pilots@acme.test');
    await company.due('group/pilots@acme.test');
    await company.pass(1_000);
    expect([await running(company), (await waiting(company))?.removes]).toEqual([30, 30]);
  });
});
