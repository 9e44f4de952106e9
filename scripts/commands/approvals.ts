import type { ApprovalView } from '../../shared/contract.ts';
import type { Client } from '../client.ts';
import { show, toTable, type Output } from './output.ts';

/** Every approval of a plane, newest first; with a state, those in it alone. */
export async function approvals(client: Client, output: Output, { plane, state }: { plane: string; state?: string }): Promise<void> {
  const all: ApprovalView[] = [];
  let cursor: string | undefined;
  do {
    const page = await client('listApprovals', { params: { planeId: plane }, query: { state, cursor, limit: 100 } });
    all.push(...page.approvals);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  show(output, { approvals: all }, () => {
    if (all.length === 0) return 'Nothing to approve: no change of policy wanted to create or remove many agents at once.';
    const rows = all.map(({ id, state: now, creates, removes, askedAt, decidedBy, reason }) => [
      ...[id, now, String(creates), String(removes), askedAt],
      [decidedBy, reason].filter(Boolean).join(': '),
    ]);
    return toTable(['APPROVAL', 'STATE', 'CREATES', 'REMOVES', 'ASKED', 'DECIDED'], rows);
  });
}

const countOf = (count: number): string => (count === 1 ? '1 agent' : `${count} agents`);

/** Approves or denies one. */
export async function decide(
  client: Client,
  output: Output,
  { plane, id, decision, reason }: { plane: string; id: string; decision: 'approve' | 'deny'; reason?: string },
): Promise<void> {
  const answer = await client('decideApproval', { params: { planeId: plane, approvalId: id }, body: { decision, reason } });
  const [creates, removes] = [countOf(answer.creates), countOf(answer.removes)];
  show(output, answer, () =>
    answer.state === 'approved'
      ? `${id} is approved: ${creates} will be created and ${removes} removed.`
      : `${id} is denied: ${creates} will not be created and ${removes} will not be removed.`,
  );
}
