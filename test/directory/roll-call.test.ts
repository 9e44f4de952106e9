import { PlaneError } from '../../functions/core/errors.ts';
import { inOu, openCompany, toPlane, type Company } from './company.ts';

const byOu = toPlane([inOu('/Sales', { agentEnabled: true })]);
const second = 1_000;
const minute = 60_000;

const readAt = async (company: Company) => (await company.store.get('walks', 'roll-call'))?.readAt ?? 0;

/** A company of three pages, each of whose people has an agent. */
async function openSales(people = 25): Promise<Company> {
  const company = openCompany(byOu);
  for (let number = 1; number <= people; number += 1) company.hire(number, '/Sales');
  await company.begin();
  await company.pass(5 * second);
  // Nothing but the roll call from here on.
  const due = await company.store.query('schedule', 'byDue', { limit: 500 });
  const others = due.filter(({ key }) => key.startsWith('plane/') && key !== 'plane/roll-call');
  await company.store.transact(async (tx) => others.forEach(({ key }) => tx.delete('schedule', key)));
  company.calls.length = 0;
  return company;
}

async function callTheRoll(company: Company): Promise<void> {
  await company.due('plane/roll-call');
  await company.pass(5 * second);
}

describe('a roll call', () => {
  it('asks for each page of the directory once and for nobody by name while all are there', async () => {
    const company = await openSales();
    const calledAt = company.now();
    await callTheRoll(company);
    expect(company.calls).toEqual(['users.list', 'users.list', 'users.list']);
    expect(await readAt(company)).toBe(calledAt);
  });

  it.each([
    ['suspended', (company: Company, id: string) => company.change(id, { active: false, inactiveBecause: 'suspended' })],
    ['deleted', (company: Company, id: string) => company.fire(id)],
  ])('ends the agent of who was %s, and no other (REQ-ID-04)', async (reason, happen) => {
    const company = await openSales();
    happen(company, '1007');
    await callTheRoll(company);
    expect(await company.store.get('agents', company.agentIdOf('1007'))).toMatchObject({ desired: 'removed', reason });
    expect(Object.values(await company.desired()).filter((desired) => desired === 'running')).toHaveLength(24);
  });

  it('leaves to the walk whatever else has changed', async () => {
    const company = await openSales();
    company.change('1003', { email: 'z@acme.test' });
    company.change('1004', { ouPath: '/Elsewhere' });
    await callTheRoll(company);
    expect(await readAt(company)).toBeGreaterThan(0);
    expect(company.calls.filter((call) => call === 'users.get')).toHaveLength(1);
    expect(await company.store.get('agents', company.agentIdOf('1003'))).toMatchObject({
      desired: 'running',
      ownerEmail: 'u1003@acme.test',
    });
    expect(await company.desired()).toMatchObject({ 1004: 'running' });
  });

  it('confirms nobody while one page cannot be read, takes nobody for gone, and goes on at that page (REQ-WSEC-05)', async () => {
    const company = await openSales();
    const before = await readAt(company);
    const former = { ...company.deps.identity };
    company.deps.identity.listPage = (page, ctx) =>
      page.token === '20' ? Promise.reject(new PlaneError('unavailable', '503')) : former.listPage(page, ctx);
    await company.due('plane/roll-call');
    await company.pass(4 * minute);
    expect(await readAt(company)).toBe(before);
    expect(company.calls).toEqual(['users.list', 'users.list']);
    expect(Object.values(await company.desired())).toEqual(Array.from({ length: 25 }, () => 'running'));
    Object.assign(company.deps.identity, former);
    await company.pass(minute);
    expect(await readAt(company)).toBeGreaterThan(before);
  });

  it('confirms nobody while who has left cannot be looked at', async () => {
    const company = await openSales(5);
    const before = await readAt(company);
    company.change('1002', { active: false, inactiveBecause: 'suspended' });
    const former = { ...company.deps.identity };
    company.deps.identity.resolveUser = () => Promise.reject(new PlaneError('unavailable', '503'));
    await callTheRoll(company);
    expect(await readAt(company)).toBe(before);
    Object.assign(company.deps.identity, former);
    await company.pass(minute);
    expect(await readAt(company)).toBeGreaterThan(before);
    expect(await company.desired()).toMatchObject({ 1002: 'removed' });
  });

  it('is not kept from all others by one whom the directory refuses to show for good', async () => {
    const company = await openSales(5);
    const before = await readAt(company);
    company.users.delete('1002');
    company.deps.identity.resolveUser = () => Promise.reject(new PlaneError('forbidden', 'not of this company'));
    await callTheRoll(company);
    expect(await readAt(company)).toBeGreaterThan(before);
    expect(company.lines.join()).toContain('cannot tell whether 1002, who owns an agent, is still there');
    expect(await company.desired()).toMatchObject({ 1002: 'running' });
  });

  it('finds who was deleted also where the directory orders addresses otherwise', async () => {
    const company = await openSales();
    const former = { ...company.deps.identity };
    company.deps.identity.listPage = async (page, ctx) => {
      const { users, ...rest } = await former.listPage(page, ctx);
      return { users: users.toReversed(), ...rest };
    };
    company.fire('1010');
    await callTheRoll(company);
    expect(await company.desired()).toMatchObject({ 1010: 'removed', 1009: 'running' });
  });
});
