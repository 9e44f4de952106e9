import type { CapabilityRequestView } from '../../shared/contract.ts';
import type { ChangeDeps } from '../core/agents.ts';
import type { CapabilityRequestRecord } from '../core/records.ts';
import { decideRequest } from '../directory/requests.ts';
import type { Handlers } from './handlers.ts';

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
    async listRequests({ params: { planeId }, query: { state, cursor, limit } }) {
      const before = cursor === undefined ? {} : { before: Number(cursor) };
      const rows = await deps.store.query('requests', 'byState', { equals: [planeId, state], ...before, reverse: true, limit: limit + 1 });
      const shown = rows.slice(0, limit);
      return { requests: shown.map(toView), next: rows.length > limit ? String(shown.at(-1)?.askedAt) : null };
    },
    async decideRequest({ params: { planeId, requestId }, body: { decision, reason }, actor, authorize }) {
      await authorize();
      return toView(await decideRequest(planeId, requestId, decision, actor, reason, deps));
    },
  };
}
