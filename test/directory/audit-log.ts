import type { Activity, ActivityApplication } from '../../functions/core/providers.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import { createPoll, createSignal, type SignalDeps } from '../../functions/directory/poll.ts';
import { createVirtualClock } from '../simulation/clock.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

export const start = 1_790_000_000_000;
export const [second, minute, hour] = [1_000, 60_000, 3_600_000];

export const entry = (
  at: number,
  name: string,
  parameters: Record<string, string>,
  application: ActivityApplication = 'admin',
): Activity => ({
  ...{ id: `${at}000/${JSON.stringify(parameters)}`, at, application, actor: 'admin@acme.test' },
  events: [{ name, parameters }],
});
export const suspend = (at: number, email = 'alice@acme.test') => entry(at, 'SUSPEND_USER', { USER_EMAIL: email });
export const member = (at: number, group: string, member_id = 'alice@acme.test', member_type = 'user') =>
  entry(at, 'add_member', { group_id: group, member_id, member_type }, 'groups_enterprise');
export const toggle = (at: number, on: boolean) => entry(at, 'TOGGLE_SERVICE_ENABLED', { SERVICE_NAME: 'Agents', NEW_VALUE: String(on) });

/** The audit log of a directory, and a plane's reading of it. What is due is run as looks would run: it begins and is done with. */
export function createAuditLog(limits?: { acted: number; listed: number }) {
  const store = createMemoryStore();
  const clock = createVirtualClock(start);
  const woken: string[] = [];
  const lines: string[] = [];
  const warnings: string[] = [];
  const log = { info: (line: string) => void lines.push(line), warn: (line: string) => void warnings.push(line) };
  const deps: SignalDeps = {
    ...{ store, clock, log, services: ['Agents'], ownAccounts: [], decidingGroups: async () => ['pilots@acme.test', 'Leads@acme.test'] },
    wake: { wake: (key) => void woken.push(key), flush: async () => undefined },
  };
  const signal = createSignal(deps);
  const logged: Activity[] = [];
  const told: Activity[] = [];
  const asked: number[] = [];
  let failAfter = Infinity;
  const identity = {
    async *activities(application: ActivityApplication, since: number) {
      asked.push(since);
      const shown = logged.filter((each) => each.application === application && each.at >= since).sort((a, b) => b.at - a.at);
      for (const [index, each] of shown.entries()) {
        if (index >= failAfter) throw new Error('503');
        yield each;
      }
    },
  };
  const tell = (...activities: readonly Activity[]) => {
    told.push(...activities);
    return signal(...activities);
  };
  const poll = createPoll({ identity, store, clock, signal: tell, ...(limits ? { limits } : {}) });
  const ctx = { signal: new AbortController().signal, log };
  return {
    ...{ store, clock, woken, lines, warnings, signal, logged, told, asked },
    poll: () => poll('admin', ctx),
    pollUnaware: () => createPoll({ identity, store, clock, signal, ...(limits ? { limits } : {}) })('admin', ctx),
    failAfter: (count: number) => void (failAfter = count),
    wait: (ms: number) => clock.advance(clock.now() + ms),
    due: (): Record<string, number> => Object.fromEntries([...store.entries('schedule')].map(([key, { dueAt }]) => [key, dueAt - start])),
    /** Runs what is due as a look would: it begins, and is done with. */
    run: async (): Promise<string[]> => {
      const rows = [...store.entries('schedule')].filter(([, { dueAt }]) => dueAt <= clock.now()).map(([key]) => key);
      await store.transact(async (tx) => {
        for (const key of rows) {
          tx.delete('schedule', key);
          const userId = key.slice(key.indexOf('/') + 1);
          if (key.startsWith('look/')) tx.set('looks', userId, { userId, seq: 1, beganAt: clock.now() });
          if (key === 'plane/walk')
            tx.set('walks', 'walk', {
              name: 'walk',
              stamp: 1,
              startedAt: clock.now(),
              last: '',
              pages: 0,
              lastPages: 0,
            });
        }
      });
      return rows;
    },
    own: (agentId: string, ownerId: string, ownerEmail: string, desired: AgentRecord['desired'] = 'running') =>
      store.transact(async (tx) => tx.set('agents', agentId, { agentId, ownerId, ownerEmail, desired } as AgentRecord)),
  };
}
