import { toAgentId } from '../../shared/agent.ts';
import type { GrantView } from '../../shared/contract.ts';
import type { ChangeDeps } from '../core/agents.ts';
import { agentChain, append, readHead } from '../core/audit.ts';
import { PlaneError } from '../core/errors.ts';
import type { UserIdentity } from '../core/providers.ts';
import type { Actor, GrantRecord } from '../core/records.ts';
import { lookKey, makeDue } from '../core/schedule.ts';
import type { Ctx } from '../core/surroundings.ts';
import type { Handlers } from './handlers.ts';

export interface GrantDeps extends ChangeDeps {
  /** Throws `notFound` where the directory knows nobody by this key. */
  readonly userOf: (userKey: string, ctx: Ctx) => Promise<UserIdentity>;
}

/** The most that a store answers at once. */
const mostShown = 500;

function toView({ id, tools, channels, grantedBy, grantedAt }: GrantRecord): GrantView {
  return { id, tools: [...tools], channels: [...channels], grantedBy, grantedAt: new Date(grantedAt).toISOString() };
}

/** Deletes a grant, tells the audit of the agent it was for, and has its owner looked at at once. */
async function revokeGrant(
  { planeId, ownerId, grantId }: { readonly planeId: string; readonly ownerId: string; readonly grantId: string },
  actor: Actor,
  { store, clock, hashing, wake }: ChangeDeps,
): Promise<GrantRecord> {
  const key = lookKey(ownerId);
  const chain = agentChain(toAgentId(planeId, ownerId, hashing.sha256));
  const revoked = await store.transact(async (tx) => {
    const grant = await tx.get('grants', grantId);
    if (grant?.planeId !== planeId || grant.ownerId !== ownerId) {
      const remedy = `GET /v1/planes/${planeId}/users/${ownerId}/grants lists them`;
      throw new PlaneError(
        'notFound',
        `cannot revoke grant ${grantId}: user ${ownerId} has none of this id in plane ${planeId}; ${remedy}`,
      );
    }
    const [head, due] = [await readHead(tx, chain, planeId), await tx.get('schedule', key)];
    const now = clock.now();
    const { tools, channels, grantedBy } = grant;
    tx.delete('grants', grantId);
    const granted = { tools: [...tools], channels: [...channels] };
    const detail = { changes: [{ field: 'grant', from: granted, to: null }], ...granted, grantedBy };
    append(tx, head, [{ at: now, actor, action: 'grant.revoked', target: grantId, detail }], hashing);
    makeDue(tx, key, due, now);
    return grant;
  });
  wake.wake(key);
  return revoked;
}

/** What admins granted one user beyond policy, and its end (REQ-UX-05). */
export function createGrantHandlers(deps: GrantDeps): Pick<Handlers, 'listGrants' | 'revokeGrant'> {
  return {
    async listGrants({ params: { planeId, userKey }, ctx }) {
      const { id } = await deps.userOf(userKey, ctx);
      const grants = await deps.store.query('grants', 'byOwner', { equals: [id], reverse: true, limit: mostShown });
      return { grants: grants.filter((grant) => grant.planeId === planeId).map(toView) };
    },
    async revokeGrant({ params: { planeId, userKey, grantId }, actor, authorize, sent, ctx }) {
      const { id: ownerId } = await deps.userOf(userKey, ctx);
      await authorize();
      return toView(await revokeGrant({ planeId, ownerId, grantId }, actor, { ...deps, store: sent.once('grant') }));
    },
  };
}
