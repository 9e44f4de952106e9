import type { Store } from '../core/store.ts';
import { done, running, type Work } from './work.ts';

const dayMs = 24 * 60 * 60_000;

/** Follows agents whose plane is being removed; each of them goes by itself. */
export const createRemovalWork = (store: Pick<Store, 'get'>): Work => ({
  patienceMs: dayMs,
  outlives: true,
  before: async () => '',
  async look({ agentId, incarnation }) {
    const status = await store.get('statuses', agentId);
    return status?.phase === 'removed' && status.incarnation >= incarnation ? done : running;
  },
});
