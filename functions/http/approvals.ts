import type { ApprovalView } from '../../shared/contract.ts';
import type { ChangeDeps } from '../core/agents.ts';
import type { ApprovalRecord } from '../core/records.ts';
import type { Query, Store } from '../core/store.ts';
import { decideApproval } from '../directory/approvals.ts';
import type { Handlers } from './handlers.ts';
import { readPage } from './paging.ts';

/** How many of the agents that wait an answer names. */
const mostNamed = 100;

const toIso = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

async function readAgents(approvalId: string, store: Store): Promise<ApprovalView['agents']> {
  const holds = await store.query('holds', 'byApproval', { equals: [approvalId], limit: mostNamed });
  return holds.map(({ agentId, ownerEmail, to }) => ({ agentId, ownerEmail, to }));
}

/** One that still counts is no approval yet. */
type Asked = ApprovalRecord & { readonly state: ApprovalView['state'] };
const isAsked = (approval: ApprovalRecord): approval is Asked => approval.state !== 'counting';

const toView = (
  { id, planeId, creates, removes, askedAt, decidedAt, decidedBy, reason }: ApprovalRecord,
  state: Asked['state'],
  agents: ApprovalView['agents'],
): ApprovalView => ({
  ...{ id, planeId, state, creates, removes, agents },
  askedAt: new Date(askedAt).toISOString(),
  decidedAt: toIso(decidedAt),
  decidedBy: decidedBy ?? null,
  reason: reason ?? null,
});

export function createApprovalHandlers(deps: ChangeDeps): Pick<Handlers, 'listApprovals' | 'decideApproval'> {
  const { store } = deps;
  return {
    async listApprovals({ params: { planeId }, query: { state, ...page } }) {
      const query = (range: Omit<Query, 'equals'>) =>
        state === undefined
          ? store.query('approvals', 'byPlane', { equals: [planeId], ...range })
          : store.query('approvals', 'byState', { equals: [planeId, state], ...range });
      const { shown, next } = await readPage(query, page);
      const views = shown.filter(isAsked).map(async (approval) => toView(approval, approval.state, await readAgents(approval.id, store)));
      return {
        approvals: await Promise.all(views),
        next,
      };
    },
    async decideApproval({ params: { planeId, approvalId }, body: { decision, reason }, actor, authorize, sent }) {
      await authorize();
      // Approved agents no longer wait, so they are read before.
      const agents = await readAgents(approvalId, store);
      const approval = await decideApproval(planeId, approvalId, decision, actor, reason, deps, sent.once('approval'));
      return toView(approval, decision === 'approve' ? 'approved' : 'denied', agents);
    },
  };
}
