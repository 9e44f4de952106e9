import { PlaneError } from '../../functions/core/errors.ts';
import { command, type Call } from './command.ts';
import { text } from './flags.ts';
import { count, show } from './output.ts';
import { readAll } from './paging.ts';
import { plane } from './said.ts';

interface Decision {
  readonly planeId: string;
  readonly id: string;
  readonly decision: 'approve' | 'deny';
  readonly reason?: string;
}

/** What of a plane an id belongs to. */
async function kindOf({ client }: Call, planeId: string, id: string): Promise<'approval' | 'plan' | 'request'> {
  const params = { planeId };
  const approvals = await readAll(async (cursor) => {
    const page = await client('listApprovals', { params, query: { cursor, limit: 100 } });
    return { items: page.approvals, next: page.next };
  });
  if (approvals.some((approval) => approval.id === id)) return 'approval';
  const requests = await readAll(async (cursor) => {
    const page = await client('listRequests', { params, query: { cursor, limit: 100 } });
    return { items: page.requests, next: page.next };
  });
  if (requests.some((request) => request.id === id)) return 'request';
  const plans = await readAll(async (cursor) => {
    const page = await client('listPlans', { params, query: { cursor, limit: 100 } });
    return { items: page.plans, next: page.next };
  });
  if (plans.some((plan) => plan.id === id)) return 'plan';
  throw new PlaneError('notFound', `cannot find ${id} in plane ${planeId}; \`planes approvals\` and \`planes requests\` list what waits`);
}

async function decideOne(call: Call, { planeId, id, decision, reason }: Decision): Promise<void> {
  const { client, output, dryRun } = call;
  const kind = await kindOf(call, planeId, id);
  const word = decision === 'approve' ? 'approved' : 'denied';
  if (dryRun) return show(output, { kind, id, decision }, () => `Would ${decision} ${kind} ${id}. Nothing was changed.`);
  const body = { decision, reason };
  if (kind === 'approval') {
    const answer = await client('decideApproval', { params: { planeId, approvalId: id }, body });
    const [creates, removes] = [count(answer.creates, 'agent'), count(answer.removes, 'agent')];
    const not = answer.state === 'approved' ? '' : 'not ';
    const yes = `${creates} will ${not}be created and ${removes} ${not === '' ? '' : 'will not be '}removed`;
    return show(output, answer, () => `${id} is ${answer.state}: ${yes}.`);
  }
  if (kind === 'plan') {
    const answer = await client('decidePlan', { params: { planeId, planId: id }, body });
    return show(output, answer, () => `Plan ${id} is ${answer.state}: ${answer.sentences.join(', ') || word}`);
  }
  const answer = await client('decideRequest', { params: { planeId, requestId: id }, body });
  show(output, answer, () => `${id} is ${answer.state}: ${[...answer.tools, ...answer.channels].join(', ')} for ${answer.ownerEmail}.`);
}

const decideCommand = (decision: 'approve' | 'deny', summary: string) =>
  command({
    path: decision,
    summary,
    argument: { spec: '[id]', description: 'as `planes approvals` and `planes requests` show it' },
    flags: { plane, id: text('--id <id>', 'the same as the argument'), reason: text('--reason <text>', 'why, for the audit log') },
    changes: true,
    async run(call, { plane: named, id: flag, reason }, argument) {
      const id = argument ?? flag;
      if (id === undefined) throw new PlaneError('invalid', `cannot ${decision}: no id was named; \`planes approvals\` lists what waits`);
      const planeId = await call.planeOf(named);
      await decideOne(call, { planeId, id, decision, ...(reason === undefined ? {} : { reason }) });
    },
  });

export const approve = decideCommand('approve', 'let a change of policy, a plan or an agent\u2019s request go ahead');
export const deny = decideCommand('deny', 'leave things as they are');
