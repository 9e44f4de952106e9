import type { OperationView } from '../../shared/contract.ts';
import { operationStates } from '../../shared/views-fleet.ts';
import { command, type Call } from './command.ts';
import { choice, on } from './flags.ts';
import { follow, toOperationText } from './operation-watch.ts';
import { show, toTable, toTime } from './output.ts';
import { readAll } from './paging.ts';
import { plane } from './said.ts';

const argument = { spec: '<id>', description: 'as `planes operations list` shows it' } as const;
const state = choice('--state <state>', 'those in one state only', operationStates);

async function toParams(call: Call, named: string | undefined, operationId = ''): Promise<{ planeId: string; operationId: string }> {
  return { planeId: await call.planeOf(named), operationId };
}

export const operationsList = command({
  path: 'operations list',
  usual: true,
  summary: 'list work on many agents, newest first',
  flags: { plane, state },
  async run({ client, output, planeOf }, { plane: named, state: wanted }) {
    const planeId = await planeOf(named);
    const operations = await readAll(async (cursor) => {
      const page = await client('listOperations', { params: { planeId }, query: { cursor, state: wanted, limit: 100 } });
      return { items: page.operations, next: page.next };
    }, 200);
    show(output, { operations }, () => {
      if (operations.length === 0) return 'No operations yet: restarts, pauses, rotations and upgrades of many agents show here.';
      const rows = operations.map((view) => [
        ...[view.id, view.kind, view.state, `${view.done}/${view.total}`, String(view.failed), toTime(view.startedAt, output), view.by],
      ]);
      return toTable(['OPERATION', 'WORK', 'STATE', 'DONE', 'FAILED', 'BEGUN', 'BY'], rows);
    });
  },
});

export const operationsShow = command({
  path: 'operations show',
  summary: 'show how far an operation has come; with --agents, for each agent',
  argument,
  flags: { plane, agents: on('--agents', 'every agent of it') },
  async run(call, { plane: named, agents }, id) {
    const { client, output } = call;
    const params = await toParams(call, named, id);
    const view = await client('getOperation', { params });
    if (!agents) return show(output, view, () => toOperationText(view));
    const work = await readAll(async (cursor) => {
      const page = await client('listOperationAgents', { params, query: { cursor, limit: 100 } });
      return { items: page.agents, next: page.next };
    });
    show(output, { ...view, agents: work }, () => {
      const rows = work.map((one) => [String(one.ring), one.agentId, one.ownerEmail, one.state, one.message ?? '']);
      return `${toOperationText(view)}\n${toTable(['RING', 'AGENT', 'OWNER', 'STATE', 'NOTE'], rows)}`;
    });
  },
});

export const operationsWatch = command({
  path: 'operations watch',
  summary: 'follow an operation to its end',
  argument,
  flags: { plane },
  async run(call, { plane: named }, id) {
    return follow(call, await call.client('getOperation', { params: await toParams(call, named, id) }));
  },
});

const verb = (name: 'cancel' | 'resume', summary: string, act: (call: Call, params: Record<string, string>) => Promise<OperationView>) =>
  command({
    path: `operations ${name}`,
    summary,
    argument,
    flags: { plane },
    ...{ changes: true, watches: true },
    async run(call, { plane: named }, id) {
      const params = await toParams(call, named, id);
      if (call.dryRun) {
        const view = await call.client('getOperation', { params });
        return show(call.output, view, () => `Would ${name} ${view.kind} ${view.id}, which is ${view.state}. Nothing was changed.`);
      }
      const view = await act(call, params);
      if (name === 'cancel') return show(call.output, view, () => toOperationText(view));
      return follow(call, view);
    },
  });

export const operationsCancel = verb('cancel', 'begin no more agents; those that have begun go on', ({ client }, params) =>
  client('cancelOperation', { params }),
);
export const operationsResume = verb('resume', 'go on with what was halted or cancelled, and try again what failed', ({ client }, params) =>
  client('resumeOperation', { params }),
);
