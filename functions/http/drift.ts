import { z } from 'zod';
import type { DriftRecord, HealRecord } from '../core/records.ts';
import type { ChangeDeps } from '../core/agents.ts';
import { agentChain, append, readHead } from '../core/audit.ts';
import { makeDue, passKey } from '../core/schedule.ts';
import type { Handlers } from './handlers.ts';
import { isWithin } from './reach.ts';

type DriftView = Awaited<ReturnType<Handlers['listDrift']>>['drift'][number];

const toViews = ({ agentId, ownerEmail, fields }: DriftRecord): DriftView[] =>
  fields.map(({ part, field, wanted, found, mode, since }) => ({
    ...{ agentId, ownerEmail, part, field, mode },
    wanted: z.json().parse(wanted),
    found: z.json().parse(found),
    since: new Date(since).toISOString(),
  }));

/** What passes found otherwise than it should be, and the wish that it be put right (REQ-MAINT-06). */
export function createDriftHandlers({ store, clock, hashing, wake }: ChangeDeps): Pick<Handlers, 'listDrift' | 'healDrift'> {
  return {
    async listDrift({ params: { planeId }, query: { agentId, cursor, limit }, within }) {
      if (agentId !== undefined) {
        const found = await store.get('drifts', agentId);
        return { drift: found?.planeId === planeId && isWithin(found.ouPath, within) ? toViews(found) : [], next: null };
      }
      // A page counts agents: what one of them lost is never torn apart.
      const from = cursor === undefined ? {} : { from: cursor };
      const records = await store.query('drifts', 'byPlane', { equals: [planeId], ...from, limit: limit + 1 });
      const shown = records.slice(0, limit).filter(({ ouPath }) => isWithin(ouPath, within));
      return { drift: shown.flatMap(toViews), next: records[limit]?.agentId ?? null };
    },
    async healDrift({ params: { planeId }, body: { agentIds }, actor, authorize, sent }) {
      await authorize();
      const within = sent.once('heal');
      let agents = 0;
      for (const agentId of new Set(agentIds)) {
        const key = passKey(agentId);
        const asked = await within.transact(async (tx) => {
          const drift = await tx.get('drifts', agentId);
          if (drift?.planeId !== planeId) return false;
          const [due, head] = [await tx.get('schedule', key), await readHead(tx, agentChain(agentId), planeId)];
          const now = clock.now();
          const heal: HealRecord = { agentId, askedAt: now, by: actor.id };
          tx.set('heals', agentId, heal);
          makeDue(tx, key, due, now);
          const changes = drift.fields.map(({ part, field, found, wanted }) => ({ field: `${part}.${field}`, from: found, to: wanted }));
          append(tx, head, [{ at: now, actor, action: 'drift.heal', target: agentId, detail: { changes } }], hashing);
          return true;
        });
        if (!asked) continue;
        agents += 1;
        wake.wake(key);
      }
      return { agents };
    },
  };
}
