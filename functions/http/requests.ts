import type { CapabilityRequestView } from '../../shared/contract.ts';
import type { ChangeDeps } from '../core/agents.ts';
import type { CapabilityRequestRecord } from '../core/records.ts';
import type { Query } from '../core/store.ts';
import { decideRequest } from '../directory/requests.ts';
import type { Handlers } from './handlers.ts';
import { readPage } from './paging.ts';

function toView({ ownerId: _ownerId, toldAt: _toldAt, ...request }: CapabilityRequestRecord): CapabilityRequestView {
  return {
    ...request,
    tools: [...request.tools],
    channels: [...request.channels],
    askedAt: new Date(request.askedAt).toISOString(),
    decidedAt: request.decidedAt === undefined ? null : new Date(request.decidedAt).toISOString(),
    decidedBy: request.decidedBy ?? null,
    reason: request.reason ?? null,
  };
}

/** What agents asked for on behalf of their owners, and an admin's answer (REQ-UX-05). */
export function createRequestHandlers(deps: ChangeDeps): Pick<Handlers, 'listRequests' | 'decideRequest'> {
  return {
    async listRequests({ params: { planeId }, query: { state, ...page } }) {
      const query = (range: Omit<Query, 'equals'>) => deps.store.query('requests', 'byState', { equals: [planeId, state], ...range });
      const { shown, next } = await readPage(query, page);
      return { requests: shown.map(toView), next };
    },
    async decideRequest({ params: { planeId, requestId }, body: { decision, reason }, actor, authorize, sent }) {
      await authorize();
      return toView(await decideRequest(planeId, requestId, decision, actor, reason, { ...deps, store: sent.once('request') }));
    },
  };
}
