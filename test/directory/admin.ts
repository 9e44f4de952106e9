import type { ConsoleAction } from '../../scripts/local/workspace/console-actions.ts';
import type { FaultsBody } from '../../scripts/local/workspace/faults.ts';
import { eventually, type World } from '../http/world.ts';
import { inOu, toPlane } from './company.ts';

/** Everybody in /Support has an agent; elsewhere whoever's page says so. */
export const plane = toPlane(
  [
    { match: { organization: true }, spec: { modelTier: 'sonnet', budgetCap: 50, tools: ['email'], limits: { budgetCap: 500 } } },
    inOu('/Engineering', { modelTier: 'opus', tools: ['exec', 'github'] }),
    inOu('/Sales', { tools: ['email', 'crm'] }),
    inOu('/Support', { agentEnabled: true, tools: ['calendar'] }),
    { match: { group: 'engineering-leads@acme.test' }, spec: { budgetCap: 500, tools: ['ssh'] } },
  ],
  { identity: { provider: 'google-workspace', domain: 'acme.test' } },
);

export const leads = 'engineering-leads@acme.test';

/** An admin of the company at work. Their own calls of `users.update` are counted, so that ours can be told from them. */
export function createAdmin({ directory, workspace }: World) {
  let updates = 0;
  const update = async (userKey: string, requestBody: object): Promise<void> => {
    updates += 1;
    await directory.users.update({ userKey, requestBody });
  };
  const requestBody = (email: string) => ({ requestBody: { email } });
  return {
    update,
    updates: () => updates,
    fields: (userKey: string, fields: object) => update(userKey, { customSchemas: { OpenClaw_Agent: fields } }),
    async hire(primaryEmail: string, orgUnitPath: string): Promise<void> {
      const name = { givenName: 'Sue', familyName: 'Sato' };
      await directory.users.insert({ requestBody: { primaryEmail, name, orgUnitPath, password: 'not a secret' } });
    },
    fire: async (userKey: string) => void (await directory.users.delete({ userKey })),
    undelete: async (userKey: string, orgUnitPath: string) =>
      void (await directory.users.undelete({ userKey, requestBody: { orgUnitPath } })),
    createGroup: async (email: string) => void (await directory.groups.insert(requestBody(email))),
    removeGroup: async (groupKey: string) => void (await directory.groups.delete({ groupKey })),
    join: async (groupKey: string, email: string) => void (await directory.members.insert({ groupKey, ...requestBody(email) })),
    leave: async (groupKey: string, memberKey: string) => void (await directory.members.delete({ groupKey, memberKey })),
    changeUnit: async (path: string, change: object) =>
      void (await directory.orgunits.update({ customerId: 'my_customer', orgUnitPath: path.slice(1), requestBody: change })),
    removeUnit: async (path: string) => void (await directory.orgunits.delete({ customerId: 'my_customer', orgUnitPath: path.slice(1) })),
    act: async (action: ConsoleAction) => workspace.act(action),
  };
}
export type Admin = ReturnType<typeof createAdmin>;

export const minute = 60_000;
export const polls = ['poll-admin', 'poll-groups_enterprise', 'poll-login'] as const;

const lost = { lost: {} };
const never = 36 * 60 * minute;
/** What is lost so that one signal alone is left, or none. */
export const faultsOf = {
  push: { sink: lost, reportsLateMs: never },
  log: { pushes: lost, reportsLateMs: never },
  poll: { pushes: lost, sink: lost },
  all: {},
  none: { pushes: lost, sink: lost, reportsLateMs: never },
} as const satisfies Record<string, FaultsBody>;

/** Looks and listings that follow on an event; polls and walks come at their own times. */
const followUps = /^(look|relook|group|regroup|publish)\//;

/** Lets time pass and waits until whatever follows on events by then is done with. */
export async function followUp(world: World, ms: number): Promise<void> {
  await world.pass(ms, followUps);
  await eventually('follow-ups', async () => {
    const due = await world.store.query('schedule', 'byDue', { before: world.clock.now() + 1, limit: 500 });
    return !due.some(({ key }) => followUps.test(key));
  });
  await world.settle();
}

/** Everything so far was told of, by every signal there is, and is done with. */
export async function catchUp(world: World, ms = minute + 1_000): Promise<void> {
  world.workspace.faults.set({});
  await world.settle();
  await Promise.all(polls.map((poll) => world.run(poll)));
  await world.settle();
  await followUp(world, ms);
}
