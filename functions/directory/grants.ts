import { channelSchema, toolSchema } from '../../shared/agent.ts';
import type { Grant } from '../../shared/policy.ts';
import type { GrantRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';

export const toGrant = ({ tools, channels, grantedBy }: GrantRecord): Grant => ({
  by: grantedBy,
  tools: tools.flatMap((tool) => toolSchema.safeParse(tool).data ?? []),
  channels: channels.flatMap((channel) => channelSchema.safeParse(channel).data ?? []),
});

/** What admins granted one user in one plane, oldest first. */
export async function grantsOf(store: Store, planeId: string, ownerId: string): Promise<readonly Grant[]> {
  const grants = await store.query('grants', 'byOwner', { equals: [ownerId], limit: 100 });
  return grants.filter((grant) => grant.planeId === planeId).map(toGrant);
}
