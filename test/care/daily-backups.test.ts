import { createDailyBackups } from '../../functions/care/daily-backups.ts';
import type { BackupRecord } from '../../functions/core/records.ts';
import { openCompany, toPlane } from '../directory/company.ts';

const dayMs = 24 * 3_600_000;

it('asks everybody else for a backup when one agent cannot be asked, and says so (REQ-MAINT-06)', async () => {
  const plane = toPlane([]);
  const company = openCompany(plane);
  for (const id of [1, 2, 3]) company.hire(id, '/', { agentEnabled: true });
  await company.begin();
  await company.pass(2 * dayMs);
  const agents = await company.store.query('agents', 'byPlane', { equals: ['acme'], limit: 10 });
  for (const { agentId, incarnation } of agents) {
    const beat = { agentId, incarnation, at: company.now(), revision: 1, live: true, ready: true, boot: 1 };
    await company.store.transact(async (tx) => tx.set('heartbeats', agentId, beat));
  }
  const bad = agents[0]?.agentId;
  const begun: string[] = [];
  const daily = createDailyBackups({
    ...company.deps,
    plane,
    random: () => `c${begun.length}`,
    backups: {
      latest: async () => [],
      async begin({ agentId }) {
        if (agentId === bad) throw new Error('its books are torn');
        begun.push(agentId);
        return { id: `b-${agentId}` } as BackupRecord;
      },
    },
  });
  const lines: string[] = [];
  const log = { info: () => undefined, warn: (line: string) => void lines.push(line) };
  expect(await daily({ signal: new AbortController().signal, log })).toBe(2);
  expect(begun).toEqual(agents.slice(1).map(({ agentId }) => agentId));
  expect(lines).toEqual([expect.stringContaining(`cannot back up agent ${bad}: its books are torn`)]);
});
