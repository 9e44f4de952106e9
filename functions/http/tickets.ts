import { z } from 'zod';
import { append, planeChain, readHead } from '../core/audit.ts';
import type { TokenKey } from '../core/credentials.ts';
import { PlaneError } from '../core/errors.ts';
import { note } from '../core/notes.ts';
import type { Actor } from '../core/records.ts';
import type { Sent } from '../core/sent.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Hashing } from '../core/surroundings.ts';

export interface TicketDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly key: TokenKey;
  readonly random: () => string;
}

/** What a ticket opens, and for whom it was made. */
const claimsSchema = z.strictObject({
  planeId: z.string(),
  period: z.string(),
  by: z.enum(['agent', 'ou', 'department', 'costCenter']),
  for: z.string(),
  nonce: z.string(),
  /** Milliseconds since 1970. */
  until: z.int(),
});
export type Claims = z.infer<typeof claimsSchema>;

export const ticketMs = 5 * 60_000;

const gone = (): PlaneError =>
  new PlaneError('notFound', 'cannot open this download: its link works once and for five minutes; ask for a new one where you got it');

function parseClaims(text: string): Claims | undefined {
  try {
    return claimsSchema.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Links that open one thing, once, for a few minutes, without a sign-in: a side panel can open a page, but neither hold a file nor send a
 * token along. Nothing is stored until one is used.
 */
export function createTickets({ store, clock, hashing, key, random }: TicketDeps) {
  const sign = (payload: string): string => key.mac(`download\n${payload}`);

  return {
    async issue(
      what: Pick<Claims, 'planeId' | 'period' | 'by'>,
      actor: Actor,
      sent?: Sent,
    ): Promise<{ ticket: string; expiresAt: string }> {
      const until = clock.now() + ticketMs;
      const claims: Claims = { ...what, for: actor.id, nonce: (sent?.random ?? random)(), until };
      const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
      const { planeId, period, by } = what;
      const within = { store: sent?.once('link') ?? store, clock, hashing };
      await note({ planeId }, { actor, action: 'cost.link', target: planeId, detail: { period, by } }, within);
      return { ticket: `${payload}.${sign(payload)}`, expiresAt: new Date(until).toISOString() };
    },

    /** Uses a ticket up, with its audit row. */
    async redeem(ticket: string, from: string | undefined): Promise<Claims> {
      const [payload = '', mac = ''] = ticket.split('.');
      if (!key.equal(sign(payload), mac)) throw gone();
      const claims = parseClaims(Buffer.from(payload, 'base64url').toString());
      const now = clock.now();
      if (!claims || claims.until <= now) throw gone();
      const { planeId, period, by, until } = claims;
      const id = `download/${claims.nonce}`;
      const actor: Actor = { kind: 'user', id: claims.for, ...(from === undefined ? {} : { from }) };
      await store.transact(async (tx) => {
        if (await tx.get('idempotency', id)) throw gone();
        const head = await readHead(tx, planeChain(planeId), planeId);
        tx.set('idempotency', id, { id, digest: hashing.sha256(payload), holder: claims.for, state: 'done', until, expiresAt: until });
        append(tx, head, [{ at: now, actor, action: 'cost.download', target: planeId, detail: { period, by } }], hashing);
      });
      return claims;
    },
  };
}
export type Tickets = ReturnType<typeof createTickets>;
