import type { SecretReads } from '../../shared/sidecar.ts';
import type { Entry } from './audit.ts';
import type { HeartbeatRecord } from './records.ts';

/** How far apart rows about one agent's reads are, and about what it was refused, in milliseconds. */
const readsMs = 5 * 60_000;
const refusedMs = 60_000;

export interface NotedReads extends SecretReads {
  readonly readAt: number;
  readonly refusedAt: number;
}

type Known = Pick<HeartbeatRecord, 'agentId' | 'secretReads' | 'notedReads'>;

const nothing = { agent: {}, sidecar: {}, refused: { secrets: 0, config: 0 } } as const;

/** How often each name was read since; what was not is left out. */
function since(now: Readonly<Record<string, number>>, before: Readonly<Record<string, number>>): Record<string, number> {
  const grown = Object.entries(now).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}

function toRows(agentId: string, at: number, reads: SecretReads, noted: SecretReads | undefined) {
  const before = noted?.since === reads.since ? noted : nothing;
  const [agent, sidecar] = [since(reads.agent, before.agent), since(reads.sidecar, before.sidecar)];
  const refused = since(reads.refused, before.refused);
  const common = { at, actor: { kind: 'agent', id: agentId } } as const;
  const read = Object.keys(agent).length + Object.keys(sidecar).length > 0;
  return {
    read: read ? [{ ...common, action: 'secret.read', target: agentId, detail: { agent, sidecar } }] : [],
    refused: Object.entries(refused).map(([target, count]) => ({ ...common, action: 'access.refused', target, detail: { count } })),
  };
}

/** What the audit trail is still to be told of a machine's counts, whatever the time. */
export function restOfReads({ agentId, secretReads, notedReads }: Known, at: number): readonly Entry[] {
  if (!secretReads) return [];
  const { read, refused } = toRows(agentId, at, secretReads, notedReads);
  return [...read, ...refused];
}

/**
 * The rows that a machine's counts make due now, and what is noted with them. Counts only grow while `since` is the same; another one
 * is another run of the sidecar, and whatever the former had told last is written then.
 */
export function noteReads(
  agentId: string,
  before: Pick<Known, 'secretReads' | 'notedReads'> | undefined,
  reads: SecretReads | undefined,
  now: number,
): { readonly entries: readonly Entry[]; readonly notedReads?: NotedReads } {
  const noted = before?.notedReads;
  const kept = noted ? { notedReads: noted } : {};
  if (!reads) return { entries: [], ...kept };
  const former = before?.secretReads && before.secretReads.since !== reads.since ? restOfReads({ agentId, ...before }, now) : [];
  const rows = toRows(agentId, now, reads, noted);
  const read = now >= (noted?.readAt ?? -Infinity) + readsMs ? rows.read : [];
  const refused = now >= (noted?.refusedAt ?? -Infinity) + refusedMs ? rows.refused : [];
  const entries = [...former, ...read, ...refused];
  if (entries.length === 0) return { entries, ...kept };
  const counted = noted?.since === reads.since ? noted : { ...nothing, since: reads.since };
  return {
    entries,
    notedReads: {
      since: reads.since,
      ...(read.length > 0
        ? { agent: reads.agent, sidecar: reads.sidecar, readAt: now }
        : { agent: counted.agent, sidecar: counted.sidecar, readAt: noted?.readAt ?? 0 }),
      ...(refused.length > 0 ? { refused: reads.refused, refusedAt: now } : { refused: counted.refused, refusedAt: noted?.refusedAt ?? 0 }),
    },
  };
}
