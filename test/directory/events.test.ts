import { toAgentId } from '../../shared/agent.ts';
import { nodeHashing } from '../../functions/keys.ts';
import type { FaultsBody } from '../../scripts/local/workspace/faults.ts';
import { eventually, openWorld, type World } from '../http/world.ts';
import { createAdmin, plane, rows, type Admin, type EventRow, type Way } from './event-rows.ts';

const lost = { lost: {} };
const never = 36 * 3_600_000;
/** What is lost so that one signal alone is left. */
const faultsOf: Record<Way, FaultsBody> = {
  push: { sink: lost, reportsLateMs: never },
  log: { pushes: lost, reportsLateMs: never },
  poll: { pushes: lost, sink: lost },
  all: {},
};
const told: Record<Way, string> = { push: 'push alone', log: 'the audit log\u2019s push alone', poll: 'a poll alone', all: 'all signals' };
const ways = Object.keys(faultsOf) as Way[];
const polls = ['poll-admin', 'poll-groups_enterprise', 'poll-login'];
const cases = rows.flatMap((row) => ways.flatMap((way) => (row.reads[way] === undefined ? [] : [{ ...row, way }])));
/** Looks and listings that are due a little later, as those of a second reading; polls and walks come at their own times. */
const followUps = /^(look|group|publish)\//;

/** Whether everything that is wanted is so. */
const holds = (found: unknown, wanted: unknown): boolean =>
  typeof wanted === 'object' && wanted !== null && !Array.isArray(wanted)
    ? Object.entries(wanted).every(([name, value]) => holds((found as Record<string, unknown> | undefined)?.[name], value))
    : JSON.stringify(found) === JSON.stringify(wanted);

const printed: string[] = [];
const print = (...cells: readonly (string | number)[]): void =>
  void printed.push([String(cells[0]).padEnd(48), String(cells[1]).padEnd(5), String(cells[2]).padStart(5), cells[3]].join(' '));
/** Events of the whole company, which a walk reads. Else a page that is listed meanwhile is of a walk at its own time. */
const byWalk = /^(OU (renamed|moved|removed)|service|Marketplace)/;
const readsOf = (byMethod: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(byMethod).filter(([method]) => /^directory\.\w+\.(get|list|hasMember)$/.test(method));

describe('the Directory is heard', () => {
  let world: World;
  let admin: Admin;
  beforeEach(async () => {
    world = await openWorld({ plane });
    admin = createAdmin(world);
    await world.settle();
  });
  afterEach(() => world.close());
  afterAll(() => void process.stdout.write(`\nreads of the Directory for each event\n${printed.join('\n')}\n\n`));

  const recordOf = (id: string) => world.store.get('agents', toAgentId('acme', id, nodeHashing.sha256));

  /** Everything so far was told of and is done with, so that the row's own cost is seen. */
  async function rest(): Promise<void> {
    await world.settle();
    for (const errand of ['walk', 'rolling', ...polls]) await world.run(errand);
    await world.settle();
    await world.pass(61_000, followUps);
    await world.settle();
  }

  async function reach({ state, policy, spec, event }: EventRow, idOf: () => Promise<string>): Promise<void> {
    const wanted = { ...state, ...(policy ? { policy } : {}), ...(spec ? { spec } : {}) };
    const id = await idOf();
    await eventually(event, async () => {
      const agent = await recordOf(id);
      return agent !== undefined && holds(agent, wanted);
    }).catch(async () => expect(await recordOf(id)).toMatchObject(wanted));
  }

  it.each(cases.map((row) => [row.event, told[row.way], row.proves === undefined ? '' : ` (${row.proves})`, row] as const))(
    '%s, by %s%s',
    async (_event, _told, _proves, row) => {
      const { who, way } = row;
      await row.before?.(admin, world);
      await world.settle();
      // A deleted user has no address that could be asked for.
      const held = (await world.store.query('agents', 'byEmail', { from: who, before: `${who}\u0000`, limit: 1 }))[0]?.ownerId;
      await rest();
      const known = held ?? (row.event.startsWith('users.create') ? undefined : await world.idOf(who));
      if (row.event.startsWith('OU removed')) {
        world.workspace.faults.set({ pushes: lost, sink: lost, reportsLateMs: never });
        await admin.update(who, { orgUnitPath: '/' });
      }
      world.workspace.faults.set(faultsOf[way]);
      const updates = admin.updates();
      world.workspace.resetCalls();
      await row.cause(admin, known ?? '');
      if (way === 'poll' || way === 'all') for (const errand of polls) await world.run(errand);
      await reach(row, async () => known ?? (await eventually('the agent', async () => (await ownersOf(who))[0])));
      await world.settle();
      await world.pass(61_000, followUps);
      await world.settle();
      const { byMethod } = world.workspace.calls();
      const reads = readsOf(byMethod).filter(([method]) => method !== 'directory.users.list' || byWalk.test(row.event));
      const count = reads.reduce((sum, [, calls]) => sum + calls, 0);
      const writes = (byMethod['directory.users.update'] ?? 0) - (admin.updates() - updates);
      const list = reads.map(([method, calls]) => `${method.replace('directory.', '')} ${calls}`).join(', ');
      print(row.event, way, count, `${list}; ${writes} written back`);
      await reach(row, async () => known ?? (await ownersOf(who))[0] ?? '');
      expect(count).toBeLessThanOrEqual(row.reads[way] ?? 0);
      expect(writes).toBeLessThanOrEqual(row.writes ?? 4);
    },
  );

  const ownersOf = async (email: string): Promise<string[]> =>
    (await world.store.query('agents', 'byEmail', { from: email, before: `${email}\u0000`, limit: 10 })).map(({ ownerId }) => ownerId);

  it('role assigned and unassigned: the very next call is allowed or refused (REQ-WSEC-02)', async () => {
    const person = 'frank@acme.test';
    const call = async () => (await world.call('GET', '/v1/planes', person)).status;
    const assignedTo = await world.idOf(person);
    const { data } = await world.directory.roles.list({ customer: 'my_customer' });
    const roleId = data.items?.find(({ roleName }) => roleName === 'OpenClaw Agent Viewer')?.roleId ?? '';
    expect(await call()).toBe(403);
    const requestBody = { roleId, assignedTo, scopeType: 'CUSTOMER' };
    const assigned = await world.directory.roleAssignments.insert({ customer: 'my_customer', requestBody });
    expect(await call()).toBe(200);
    await world.directory.roleAssignments.delete({ customer: 'my_customer', roleAssignmentId: assigned.data.roleAssignmentId ?? '' });
    world.workspace.resetCalls();
    expect(await call()).toBe(403);
    const reads = readsOf(world.workspace.calls().byMethod);
    print(
      'role unassigned',
      'call',
      reads.reduce((sum, [, calls]) => sum + calls, 0),
      reads.map((read) => read.join(' ')).join(', '),
    );
  });
});
