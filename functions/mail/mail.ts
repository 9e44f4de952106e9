import { makeDue, type Handler, type Wake } from '../core/schedule.ts';
import type { Ctx, Log } from '../core/surroundings.ts';
import { createCorrespondence, type Correspondence, type CorrespondenceDeps } from './correspondence.ts';
import { createMailbox, type Mailbox } from './mailbox.ts';
import { embeddedAddresses, type MailLine } from './mail-config.ts';
import { createPost } from './post.ts';

export interface MailDeps extends Omit<CorrespondenceDeps, 'mailbox' | 'addresses'> {
  readonly wake: Wake;
  readonly log: Log;
  readonly planeId: string;
  /** The company's mail domain. */
  readonly domain: string;
  /** How mail leaves the house; absent where the plane's own mailbox is all there is. */
  readonly line?: MailLine | undefined;
}

export interface Mail {
  readonly mailbox: Mailbox;
  readonly correspondence: Correspondence;
  /** Where the plane itself writes from. */
  readonly planeAddress: string;
  /** Where an agent is written to. */
  readonly addressOf: (agentId: string) => string;
  /** For `plane/<name>`; each answers in how many milliseconds it is due again. */
  readonly errands: Readonly<Record<string, (ctx: Ctx) => Promise<number>>>;
  readonly handlers: Readonly<Record<string, Handler>>;
  /** Makes fetching what came in due now. */
  readonly notice: () => Promise<void>;
  stop(): void;
}

/** How often mail is asked for, in milliseconds, whatever hints come; a mailbox with more waiting is asked again at once. */
const pollMs = 30_000;
const dayMs = 24 * 60 * 60_000;
const fetchKey = 'plane/mail';

/** Mail of one plane: its mailbox, what is said in it, and its way out of the house where it has one. */
export function createMail({ wake, log, planeId, domain, line, ...deps }: MailDeps): Mail {
  const { store, clock, tally } = deps;
  const addresses = line?.addresses ?? embeddedAddresses(domain);
  const leaves = ({ to }: { readonly to: string }): boolean => addresses.agentAt(to) === undefined;
  const mailbox = createMailbox({ store, ...(line ? { outbox: { clock, wake, leaves } } : {}) });
  const correspondence = createCorrespondence({ ...deps, mailbox, addresses });
  const planeAddress = addresses.sender ?? `agents-plane@${addresses.domain}`;

  async function notice(): Promise<void> {
    await store.transact(async (tx) => makeDue(tx, fetchKey, await tx.get('schedule', fetchKey), clock.now()));
    wake.wake(fetchKey);
  }
  const common = { mailbox, correspondence, planeAddress, notice, addressOf: (agentId: string) => addresses.of(agentId) };
  if (!line) return { ...common, errands: {}, handlers: {}, stop: () => undefined };

  const hint = (): void => void notice().catch((error: unknown) => log.warn('cannot make mail due: it is asked for anyway', { error }));
  const post = createPost({
    ...{ mailbox, correspondence, addresses, store, clock, tally, log, planeId },
    ...{ carrier: line.carrier, authservId: line.authservId },
    ...(line.stay ? { hint } : {}),
  });
  const { renew } = line;
  return {
    ...common,
    errands: {
      mail: async (ctx) => ((await post.collect(ctx)) ? 0 : pollMs),
      ...(renew ? { mailNotices: async (ctx: Ctx) => renew(ctx).then(() => dayMs) } : {}),
    },
    handlers: { carry: post.carry },
    stop: () => post.stop(),
  };
}
