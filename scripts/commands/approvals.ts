import { approvalStates } from '../../shared/views.ts';
import { command } from './command.ts';
import { choice } from './flags.ts';
import { show, toTable, toTime } from './output.ts';
import { readAll } from './paging.ts';
import { plane } from './said.ts';

export const approvals = command({
  path: 'approvals',
  summary: 'list changes of policy and plans that wait for an admin, or were decided',
  flags: { plane, state: choice('--state <state>', 'those in one state only', approvalStates) },
  async run({ client, output, planeOf }, { plane: named, state }) {
    const planeId = await planeOf(named);
    const all = await readAll(async (cursor) => {
      const page = await client('listApprovals', { params: { planeId }, query: { state, cursor, limit: 100 } });
      return { items: page.approvals, next: page.next };
    });
    const plans =
      state === undefined || state === 'waiting'
        ? (await client('listPlans', { params: { planeId }, query: { state: 'waiting', limit: 100 } })).plans
        : [];
    show(output, { approvals: all, plans }, () => {
      if (all.length + plans.length === 0) return 'Nothing to approve: no plan waits, and no change of policy wanted many agents at once.';
      const rows = [
        ...plans.map(({ id, state: now, counts, createdAt, createdBy }) => [
          ...[id, 'plan', now, String(counts.creates), String(counts.removes), `${toTime(createdAt, output)} by ${createdBy}`, ''],
        ]),
        ...all.map(({ id, state: now, creates, removes, askedAt, decidedBy, reason }) => [
          ...[id, 'policy', now, String(creates), String(removes), toTime(askedAt, output)],
          [decidedBy, reason].filter(Boolean).join(': '),
        ]),
      ];
      return toTable(['ID', 'WHAT', 'STATE', 'CREATES', 'REMOVES', 'ASKED', 'DECIDED'], rows);
    });
  },
});
