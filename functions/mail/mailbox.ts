import { PlaneError } from '../core/errors.ts';
import type { MailRecord } from '../core/records.ts';
import { makeDue, type Wake } from '../core/schedule.ts';
import type { Store, Transaction } from '../core/store.ts';
import type { Clock } from '../core/surroundings.ts';

export interface Message {
  readonly id: string;
  /** ISO 8601, UTC, with milliseconds. */
  readonly date: string;
  readonly from: string;
  /** One bare address. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  /** The id of the message that this one answers. */
  readonly inReplyTo?: string;
  /** The ids of the thread up to here, oldest first. */
  readonly references?: readonly string[];
}

/**
 * What commits together with a delivery: reads first, then answers what to write. It may run more than once, and throws to
 * refuse the message.
 */
export type Beside = (tx: Transaction) => Promise<() => void>;

/** Where messages go that leave the house: each is due to be carried in the transaction that keeps it. */
export interface Outbox {
  readonly clock: Clock;
  readonly wake: Wake;
  readonly leaves: (message: Message) => boolean;
}

export const carryKey = (id: string): string => `carry/${id}`;

export interface ListFilter {
  /** One address, without regard to case. */
  readonly to?: string;
  /** The id of the last message of the page before this one. */
  readonly after?: string;
  /** 1 to 500. */
  readonly limit?: number;
}

/** The mailbox that the plane itself keeps: every message that anyone sent, in the plane's own store. */
export interface Mailbox {
  /** False when a message of this id is there already; it stays as it is and nothing beside it is written. */
  deliver(message: Message, beside?: Beside): Promise<boolean>;
  /** Newest first, those of one millisecond by id; throws `invalid` when `after` names no message. */
  list(filter?: ListFilter): Promise<readonly Message[]>;
  get(id: string): Promise<Message | undefined>;
}

const defaultLimit = 100;
/** The most that a store answers at once, and so the most messages of one millisecond that paging can tell apart. */
const mostAtOnce = 500;

const isIso = (date: string): boolean => {
  const parsed = new Date(date);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString() === date;
};

const toRecipient = (address: string): string => address.trim().toLowerCase();
const toRecord = (message: Message): MailRecord => ({ ...message, box: 'all', recipient: toRecipient(message.to) });
const toMessage = ({ box: _box, recipient: _recipient, ...message }: MailRecord): Message => message;

export function createMailbox({ store, outbox }: { readonly store: Store; readonly outbox?: Outbox }): Mailbox {
  return {
    async deliver(message, beside) {
      const { id, date } = message;
      if (!isIso(date))
        throw new PlaneError(
          'invalid',
          `cannot deliver message ${id}: date ${JSON.stringify(date)} is not ISO 8601 in UTC with milliseconds`,
        );
      const key = outbox?.leaves(message) ? carryKey(id) : undefined;
      const taken = await store.transact(async (tx) => {
        if (await tx.get('mails', id)) return false;
        const row = key && (await tx.get('schedule', key));
        const write = await beside?.(tx);
        tx.set('mails', id, toRecord(message));
        if (outbox && key) makeDue(tx, key, row || undefined, outbox.clock.now());
        write?.();
        return true;
      });
      if (taken && key) outbox?.wake.wake(key);
      return taken;
    },
    async list({ to, after, limit = defaultLimit } = {}) {
      const index = to === undefined ? 'byDate' : 'byRecipient';
      const equals = [to === undefined ? 'all' : toRecipient(to)];
      if (after === undefined) return (await store.query('mails', index, { equals, reverse: true, limit })).map(toMessage);
      const last = await store.get('mails', after);
      if (!last) throw new PlaneError('invalid', `cannot list messages after ${JSON.stringify(after)}: there is no such message`);
      const { date } = last;
      const sameDate = await store.query('mails', index, { equals, from: date, before: `${date}\u0000`, limit: mostAtOnce });
      const page = sameDate.filter(({ id }) => id < after).toReversed();
      if (page.length < limit) {
        page.push(...(await store.query('mails', index, { equals, before: date, reverse: true, limit: limit - page.length })));
      }
      return page.slice(0, limit).map(toMessage);
    },
    async get(id) {
      const found = await store.get('mails', id);
      return found && toMessage(found);
    },
  };
}
