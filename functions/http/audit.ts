import { setImmediate as breathe } from 'node:timers/promises';
import type { z } from 'zod';
import type { Plane } from '../../shared/plane.ts';
import type { auditRowSchema } from '../../shared/views.ts';
import type { TakeCheckpoint } from '../audit/checkpoints.ts';
import { exportTrail } from '../audit/export.ts';
import { agentChain, rowId } from '../core/audit.ts';
import { verifyTrail } from '../core/audit-trail.ts';
import { PlaneError } from '../core/errors.ts';
import { note } from '../core/notes.ts';
import type { AuditRow } from '../core/records.ts';
import type { Query, Store } from '../core/store.ts';
import type { Clock, Hashing, Signer } from '../core/surroundings.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { familiesOf, isOfKind } from './audit-kinds.ts';
import type { Handlers } from './handlers.ts';
import { readPage } from './paging.ts';

export interface AuditDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly signer: Signer;
  /** The public half of the signing key (SPKI). */
  readonly publicKeyPem: string;
  readonly checkpoint: TakeCheckpoint;
  readonly fleet: Pick<Fleet, 'agentsOf'>;
  /** Throws `notFound` for a plane that is none of ours. */
  readonly planeOf: (planeId: string) => Plane;
}

type AuditRowView = z.infer<typeof auditRowSchema>;

interface Filters {
  readonly agentId?: string | undefined;
  readonly user?: string | undefined;
  readonly action?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** How many rows one call looks through for those that its filters let pass; a page may end short of its limit. */
const mostScanned = 2_000;
const scanAtOnce = 250;

function outcomeOf({ action, detail }: AuditRow): AuditRowView['outcome'] {
  const ok = typeof detail === 'object' && detail !== null && 'ok' in detail ? detail.ok : undefined;
  if (ok === false || /failed|givenUp|damaged|fault/.test(action)) return 'failed';
  if (/refuse|denied/.test(action)) return 'refused';
  return /\.(start|ask|begin)\b/.test(action) ? 'begun' : 'done';
}

/** Whom a row may be about: the owner of its chain, or what it names. */
const idsOf = ({ chain, target }: AuditRow): readonly string[] => [
  chain.startsWith(agentChain('')) ? chain.slice(agentChain('').length) : target,
  target,
];

type About = NonNullable<AuditRowView['about']>;

/** The agents that some rows are about, by their ids and their owners'; from memory, so that names cost no read. */
async function readAbout(rows: readonly AuditRow[], planeId: string, fleet: AuditDeps['fleet']): Promise<(row: AuditRow) => About | null> {
  const wanted = new Set(rows.flatMap(idsOf));
  const found = new Map<string, About>();
  for (const { agentId, ownerId, ownerEmail, ownerName, record } of await fleet.agentsOf(planeId)) {
    if (!wanted.has(agentId) && !wanted.has(ownerId)) continue;
    const about = { agentId, name: record.name, ownerId, ownerEmail, ownerName };
    found.set(agentId, about).set(ownerId, about);
  }
  return (row) => {
    const [first = '', second = ''] = idsOf(row);
    return found.get(first) ?? found.get(second) ?? null;
  };
}

function toView(row: AuditRow, about: About | null): AuditRowView {
  const { chain, seq, at, actor, action, target, detail, hash } = row;
  return {
    ...{ chain, seq, at: new Date(at).toISOString(), actor: { ...actor }, action, target, about, hash },
    outcome: outcomeOf(row),
    detail: JSON.parse(JSON.stringify(detail)) as z.core.util.JSONType,
  };
}

/** What an index finds of some filters; `matches` has the last word on all of them. */
function selectRows(store: Store, planeId: string, filters: Filters) {
  const { agentId, action } = filters;
  const user = filters.user?.includes('@') ? filters.user.toLowerCase() : filters.user;
  const [since, until] = [Date.parse(filters.since ?? '') || 0, Date.parse(filters.until ?? '') || Number.MAX_SAFE_INTEGER];
  const chain = agentId === undefined ? undefined : agentChain(agentId);
  const families = familiesOf(action);
  async function ofFamilies(range: Omit<Query, 'equals'>): Promise<readonly AuditRow[]> {
    const found = await Promise.all(families.map((family) => store.query('audit', 'byFamily', { ...range, equals: [planeId, family] })));
    if (found.length === 1) return found.flat();
    const idOf = ({ chain, seq }: AuditRow): string => rowId(chain, seq);
    // As a store answers: by time, and those of one moment by their ids.
    const ordered = found.flat().toSorted((a, b) => a.at - b.at || (idOf(a) < idOf(b) ? -1 : 1));
    return (range.reverse === true ? ordered.toReversed() : ordered).slice(0, range.limit);
  }
  async function query(range: Omit<Query, 'equals'>) {
    const within = { ...range, from: Math.max(since, Number(range.from ?? 0)), before: Math.min(until, Number(range.before ?? until)) };
    const found = await (chain !== undefined
      ? store.query('audit', 'byChain', { ...within, equals: [chain] })
      : user !== undefined
        ? store.query('audit', 'byActor', { ...within, equals: [planeId, user] })
        : families.length > 0
          ? ofFamilies(within)
          : store.query('audit', 'byPlane', { ...within, equals: [planeId] }));
    return found.map((row) => ({ id: rowId(row.chain, row.seq), askedAt: row.at, row }));
  }
  const matches = (row: AuditRow): boolean =>
    row.planeId === planeId && (user === undefined || row.actorId === user) && isOfKind(row, action);
  return { query, matches };
}

/** The audit trail: to be looked through, to be taken home, and to be checked (REQ-WS-09, REQ-WSEC-08). */
export function createAuditHandlers(deps: AuditDeps): Pick<Handlers, 'listAudit' | 'exportAudit' | 'verifyAudit' | 'auditKey'> {
  const { store, clock, hashing, signer, fleet, planeOf } = deps;

  return {
    async listAudit({ params: { planeId }, query }) {
      planeOf(planeId);
      const { agentId, limit } = query;
      if (agentId !== undefined && (await store.get('auditHeads', agentChain(agentId)))?.planeId !== planeId) {
        throw new PlaneError('notFound', `cannot find agent ${agentId} in plane ${planeId}; GET /v1/planes/${planeId}/agents lists them`);
      }
      const select = selectRows(store, planeId, query);
      const rows: AuditRow[] = [];
      const answer = async (next: string | null) => {
        const aboutOf = await readAbout(rows, planeId, fleet);
        return { rows: rows.map((row) => toView(row, aboutOf(row))), next };
      };
      let cursor = query.cursor;
      for (let scanned = 0; scanned < mostScanned; scanned += scanAtOnce) {
        const { shown, next } = await readPage(select.query, { cursor, limit: scanned === 0 ? limit : scanAtOnce });
        for (const [at, { row, id, askedAt }] of shown.entries()) {
          if (select.matches(row)) rows.push(row);
          const more = at < shown.length - 1 || next !== null;
          if (rows.length === limit) return answer(more ? `${askedAt}.${id}` : null);
        }
        if (next === null) return answer(null);
        cursor = next;
      }
      return answer(cursor ?? null);
    },
    async exportAudit({ params: { planeId }, actor, ctx }) {
      planeOf(planeId);
      await note({ planeId }, { actor, action: 'audit.export', target: planeId }, deps);
      await deps.checkpoint(planeId, ctx.signal);
      return exportTrail(planeId, clock.now(), deps);
    },
    async verifyAudit({ params: { planeId }, ctx }) {
      planeOf(planeId);
      const pause = async (): Promise<void> => {
        ctx.signal.throwIfAborted();
        await breathe();
      };
      const found = await verifyTrail(store, planeId, { hashing, verifier: signer, pause });
      return { ...found, faults: [...found.faults] };
    },
    auditKey: async () => ({ keyId: signer.keyId, algorithm: 'Ed25519', publicKey: deps.publicKeyPem }),
  };
}
