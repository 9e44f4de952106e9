import type { AgentRecord, AuditPosition, Receipt } from './records.ts';
import { canonical, type Json, type Signer } from './surroundings.ts';

const iso = (ms: number): string => new Date(ms).toISOString();

interface Times {
  readonly madeFrom?: number | undefined;
  readonly requestedAt: number;
  readonly revokedAt: number;
  readonly removedAt: number;
}

export function createReceipt(
  agent: AgentRecord,
  incarnation: number,
  reason: string,
  times: Times,
  listings: readonly { what: string; provider: string; at: number }[],
  { chain, seq, hash }: AuditPosition,
  signer: Signer,
  kept?: { readonly id: string; readonly expiresAt: number },
): Receipt {
  const unsigned = {
    kind: 'openclaw.dev/removal-receipt',
    planeId: agent.planeId,
    agentId: agent.agentId,
    incarnation,
    seq,
    ownerId: agent.ownerId,
    ownerEmail: agent.ownerEmail,
    reason,
    ...(times.madeFrom === undefined ? {} : { madeFrom: iso(times.madeFrom) }),
    requestedAt: iso(times.requestedAt),
    revokedAt: iso(times.revokedAt),
    removedAt: iso(times.removedAt),
    ...(kept ? { backup: { id: kept.id, expiresAt: iso(kept.expiresAt) } } : {}),
    listings: listings.map(({ what, provider, at }) => ({ what, provider, at: iso(at), found: 0 as const })),
    audit: { chain, seq, hash },
    keyId: signer.keyId,
  } as const;
  return { ...unsigned, signature: signer.sign(canonical(unsigned)) };
}

/** True when every byte of the receipt is as it was signed. */
export function verifyReceipt({ signature, ...unsigned }: Receipt, signer: Pick<Signer, 'verify'>): boolean {
  return signer.verify(canonical(unsigned as unknown as Json), signature);
}
