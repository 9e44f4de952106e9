import type { Documents, Store } from './store.ts';

/** How many documents one transaction deletes. */
const batchSize = 100;
/** How many batches one call deletes of each kind. */
const mostBatches = 200;

/**
 * Deletes what an agent said and was told up to an incarnation: messages, commands with what came of them, requests that no admin has
 * decided. Answers whether all of it is gone; safe to repeat where it is not.
 */
export async function forget(agentId: string, incarnation: number, signal: AbortSignal, store: Store): Promise<boolean> {
  async function remove(collection: 'messages' | 'commands'): Promise<boolean> {
    for (let batches = 0; batches < mostBatches && !signal.aborted; batches += 1) {
      // Oldest first: those of the incarnation to come stand behind.
      const rows: readonly (Documents['messages'] | Documents['commands'])[] = await store.query(collection, 'byAgent', {
        equals: [agentId],
        limit: batchSize,
      });
      const doomed = rows.filter((row) => row.incarnation <= incarnation);
      if (doomed.length === 0) return true;
      await store.transact(async (tx) => {
        for (const { id } of doomed) tx.delete(collection, id);
      });
      if (rows.length < batchSize) return true;
    }
    return false;
  }

  /** Asked by a machine that was there, so by none of the incarnation to come. What was decided is an admin's doing and stays. */
  async function removeRequests(): Promise<boolean> {
    let from = 0;
    for (let batches = 0; batches < mostBatches && !signal.aborted; batches += 1) {
      const rows = await store.query('requests', 'byAgent', { equals: [agentId], from, limit: batchSize });
      const waiting = rows.filter(({ state }) => state === 'waiting');
      if (waiting.length > 0) {
        await store.transact(async (tx) => {
          const current = await Promise.all(waiting.map(({ id }) => tx.get('requests', id)));
          for (const request of current) if (request?.state === 'waiting') tx.delete('requests', request.id);
        });
      }
      const last = rows.at(-1)?.askedAt ?? from;
      if (rows.length < batchSize) return true;
      from = last > from ? last : from + 1;
    }
    return false;
  }

  async function removeDrift(): Promise<boolean> {
    if (!(await store.get('drifts', agentId))) return true;
    await store.transact(async (tx) => {
      tx.delete('drifts', agentId);
      tx.delete('heals', agentId);
    });
    return true;
  }

  return (await remove('messages')) && (await remove('commands')) && (await removeRequests()) && (await removeDrift());
}
