import { largestMail, type IncomingRaw, type MailCarrier } from './carrier.ts';
import type { Addresses } from './addresses.ts';
import { composeMail } from './mime.ts';
import { readIncoming, type ReadMail } from './incoming.ts';
import type { Correspondence } from './correspondence.ts';
import type { Mailbox } from './mailbox.ts';
import { errorTable, PlaneError, toMessage } from '../core/errors.ts';
import type { Tally } from '../core/notes.ts';
import type { AgentRecord } from '../core/records.ts';
import type { Handler } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Ctx, Log } from '../core/surroundings.ts';

export interface PostDeps {
  readonly carrier: MailCarrier;
  readonly mailbox: Mailbox;
  readonly correspondence: Correspondence;
  readonly addresses: Addresses;
  /** The name under which the server that receives our mail writes `Authentication-Results`; `mx.google.com` at Gmail. */
  readonly authservId: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly log: Log;
  readonly planeId: string;
  /** Called when something may have come in, by a carrier that listens; absent in a process that may not stay connected. */
  readonly hint?: () => void;
}

/** Why a mail was not heard. It is never answered, so that nobody learns who has an agent and no loop forms. */
export type Refusal =
  | 'tooLarge'
  | 'unreadable'
  | 'noSingleSender'
  | Exclude<ReadMail['proof'], 'proven'>
  | NonNullable<ReadMail['automatic']>
  | 'notForAnAgent'
  | 'notTheOwner'
  | 'empty';

export interface Post {
  /** Runs `carry/<message id>`: takes one mail of ours to the carrier. */
  readonly carry: Handler;
  /** Fetches what came in; answers whether more is waiting. */
  collect(ctx: Ctx): Promise<boolean>;
  /** Ends listening. */
  stop(): void;
}

/** A mail that no server takes for so long is given up, in milliseconds; servers themselves give up after as long (RFC 5321 §4.5.4.1). */
const patienceMs = 5 * 24 * 3_600_000;

/** Candidates among the recipients of one mail that are looked up at most. */
const mostCandidates = 5;

/** Takes mail between the plane's own mailbox and a carrier. */
export function createPost(deps: PostDeps): Post {
  const { carrier, mailbox, correspondence, addresses, authservId, store, clock, tally, log, planeId, hint } = deps;

  async function refuse(reason: Refusal, from: string | undefined, agentId: string | undefined): Promise<void> {
    // The sender is anybody's claim: one tally for all of them, or whoever makes addresses up fills the audit.
    const scope = agentId === undefined ? { planeId } : { agentId };
    const detail = from === undefined ? {} : { detail: from.slice(0, 320) };
    await tally(scope, { actor: { kind: 'plane', id: 'mail' }, action: `mail.refused.${reason}`, target: reason, ...detail });
  }

  async function agentsAmong(recipients: readonly string[]): Promise<AgentRecord[]> {
    const ids = new Set(recipients.flatMap((address) => addresses.agentAt(address) ?? []));
    const found = await Promise.all([...ids].slice(0, mostCandidates).map((id) => store.get('agents', id)));
    return found.filter((agent) => agent !== undefined);
  }

  async function read(raw: Uint8Array): Promise<ReadMail | undefined> {
    try {
      return await readIncoming(raw, authservId);
    } catch (error) {
      log.warn('cannot read a mail that came in', { error: toMessage(error) });
      return undefined;
    }
  }

  /** Hears a mail, or says why not. Throws only where the store fails, so that the mail comes again. */
  async function hear(incoming: IncomingRaw): Promise<void> {
    if ('tooLarge' in incoming || incoming.raw.byteLength > largestMail) return refuse('tooLarge', undefined, undefined);
    const mail = await read(incoming.raw);
    if (!mail) return refuse('unreadable', undefined, undefined);
    const { from, proof, automatic, text, subject, inReplyTo, references } = mail;
    if (from === undefined) return refuse('noSingleSender', undefined, undefined);
    const agents = await agentsAmong(mail.recipients);
    const [first] = agents;
    if (!first) return refuse('notForAnAgent', from, undefined);
    const owned = agents.find(({ ownerEmail }) => ownerEmail.toLowerCase() === from);
    const { agentId } = owned ?? first;
    if (automatic) return refuse(automatic, from, agentId);
    if (!owned) return refuse('notTheOwner', from, agentId);
    if (proof !== 'proven') return refuse(proof, from, agentId);
    if (text === '') return refuse('empty', from, agentId);
    const thread = { references, ...(inReplyTo === undefined ? {} : { inReplyTo }) };
    try {
      await correspondence.receive({ id: mail.idFor(agentId), from, to: addresses.of(agentId), subject, text, ...thread });
    } catch (error) {
      // Tallied there already: the agent is not to run, or no longer its sender's.
      if (!(error instanceof PlaneError) || error.code !== 'forbidden') throw error;
    }
  }

  const over = new AbortController();
  let listening = false;

  /** Taken up again by the next `collect`, so that the schedule remains the one retry layer. */
  function keepListening(): void {
    if (listening || !hint || !carrier.listen || over.signal.aborted) return;
    listening = true;
    carrier
      .listen(hint, { signal: over.signal, log })
      .catch((error: unknown) => {
        if (!over.signal.aborted) log.warn('cannot listen for mail: it is asked for meanwhile', { error: toMessage(error) });
      })
      .finally(() => (listening = false));
  }

  const cursorId = `mail/${carrier.name}`;

  return {
    async carry(id, signal) {
      const message = await mailbox.get(id);
      if (!message) return undefined;
      try {
        await carrier.send(await composeMail(message, addresses), { signal, log });
        return undefined;
      } catch (error) {
        const expired = clock.now() - Date.parse(message.date) > patienceMs;
        const refusedForGood = error instanceof PlaneError && error.code === 'invalid';
        if (!expired && !refusedForGood) throw error;
        const known = error instanceof PlaneError && !errorTable[error.code].retry;
        log.warn(`cannot carry mail ${id}: it is given up`, { error: toMessage(error) });
        const agentId = addresses.agentAt(message.from);
        const entry = {
          actor: { kind: 'plane', id: 'mail' },
          action: 'mail.givenUp',
          target: id,
          detail: known ? 'refused' : 'too old',
        } as const;
        await tally(agentId === undefined ? { planeId } : { agentId }, entry);
        return undefined;
      }
    },
    async collect(ctx) {
      keepListening();
      const cursor = await store.get('polls', cursorId);
      const { since, more } = await carrier.receive(cursor?.readUntil, hear, ctx);
      if (since !== cursor?.readUntil)
        await store.transact(async (tx) => tx.set('polls', cursorId, { application: cursorId, readUntil: since }));
      return more;
    },
    stop: () => over.abort(),
  };
}
