import type { Channel } from '../../shared/agent.ts';
import { moveAssignment } from '../core/assignments.ts';
import { linkMs, type Credentials } from '../core/credentials.ts';
import { PlaneError } from '../core/errors.ts';
import type { Tally } from '../core/notes.ts';
import type { Introduction } from '../core/parts.ts';
import type { AgentRecord, MessageRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import type { Clock } from '../core/surroundings.ts';
import type { Addresses } from './addresses.ts';
import { renderIntroduction } from './introduction.ts';
import type { Mailbox, Message } from './mailbox.ts';

export interface CorrespondenceDeps {
  readonly mailbox: Mailbox;
  readonly store: Store;
  readonly clock: Clock;
  readonly tally: Tally;
  readonly credentials: Credentials;
  readonly company: (planeId: string) => string;
  /** The plane's address as owners reach it, without a trailing slash. */
  readonly publicUrl: string;
  readonly addresses: Addresses;
  /** Whether a channel is there for nobody before an admin has set it up; none is unless said. */
  readonly awaitsAdmin?: ((channel: Channel) => boolean) | undefined;
}

export interface IncomingMail {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly inReplyTo?: string | undefined;
  /** The thread up to it, oldest first; without it, what it answers. */
  readonly references?: readonly string[];
}

export interface Correspondence extends Introduction {
  /** Takes a mail from an owner to an agent; refused unless the sender is the owner of an agent that should run. The mail and its place in the agent's queue commit together. */
  receive(mail: IncomingMail): Promise<Message>;
  /** Mails an agent's answer back in the owner's thread. */
  answer(agent: AgentRecord, message: MessageRecord, text: string): Promise<void>;
  /** Mails the owner a word of the plane's own, such as a code; false when a mail of this id went out before. */
  notify(agent: AgentRecord, id: string, subject: string, text: string): Promise<boolean>;
  /** A new address of the owner's page. */
  linkFor(agent: AgentRecord): string;
}

const toHtml = (text: string): string =>
  `<pre style="font:inherit;white-space:pre-wrap">${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</pre>`;

/** Mail between owners and their agents, through one mailbox. */
export function createCorrespondence(deps: CorrespondenceDeps): Correspondence {
  const { mailbox, store, clock, tally, credentials, company, publicUrl, addresses } = deps;

  const addressOf = (agent: AgentRecord): string => addresses.of(agent.agentId);
  const nameOf = (agent: AgentRecord): string => `${agent.name.replaceAll(/["<>\\]/g, '')} <${addressOf(agent)}>`;

  async function agentAt(address: string): Promise<AgentRecord | undefined> {
    const id = addresses.agentAt(address);
    return id === undefined ? undefined : store.get('agents', id);
  }

  const linkFor = ({ agentId, incarnation }: AgentRecord): string =>
    `${publicUrl}/me/${credentials.mint({ kind: 'link', agentId, incarnation, extra: clock.now() + linkMs })}`;

  return {
    linkFor,
    async send(agent, text, key) {
      const link = linkFor(agent);
      const { tools, channels } = agent.spec;
      const names = { agentName: agent.name, ownerName: agent.ownerName, ownerEmail: agent.ownerEmail, company: company(agent.planeId) };
      const given = { tools, channels, notSetUp: channels.filter((channel) => deps.awaitsAdmin?.(channel)) };
      await mailbox.deliver(renderIntroduction({ ...names, ...given, text, link, from: nameOf(agent), id: key, date: clock.now() }));
    },
    async receive({ id, from, to, subject, text, inReplyTo, references = inReplyTo === undefined ? [] : [inReplyTo] }) {
      const sender = from.trim().toLowerCase();
      const hears = ({ desired, ownerEmail }: AgentRecord): boolean => desired === 'running' && ownerEmail.toLowerCase() === sender;
      const refusal = (): PlaneError =>
        new PlaneError('forbidden', `cannot deliver mail to ${to}: no agent there that ${from} owns; agents hear their owners only`);
      const agent = await agentAt(to);
      if (!agent || !hears(agent)) {
        if (agent) {
          const actor = { kind: 'user', id: sender } as const;
          await tally({ agentId: agent.agentId }, { actor, action: 'access.refused', target: 'mail' });
        }
        throw refusal();
      }
      const { agentId } = agent;
      const at = clock.now();
      const message: Message = {
        id,
        date: new Date(at).toISOString(),
        from,
        to: addressOf(agent),
        subject,
        text,
        html: toHtml(text),
        ...(inReplyTo === undefined ? {} : { inReplyTo }),
        ...(references.length === 0 ? {} : { references }),
      };
      await mailbox.deliver(message, async (tx) => {
        // Read again: a row that is queued after a suspension waits for a removal that has already looked for such rows.
        const [current, assignment] = [await tx.get('agents', agentId), await tx.get('assignments', agentId)];
        if (!current || !hears(current)) throw refusal();
        const { incarnation } = current;
        return () => {
          tx.set('messages', id, { id, agentId, incarnation, at, text, subject, state: 'waiting' });
          moveAssignment(tx, agentId, assignment, at);
        };
      });
      return message;
    },
    async answer(agent, { id, subject }, text) {
      const references = [...((await mailbox.get(id))?.references ?? []), id];
      const title = /^re:/i.test(subject) ? subject : `Re: ${subject}`;
      const date = new Date(clock.now()).toISOString();
      const to = agent.ownerEmail;
      await mailbox.deliver({
        id: `answer/${id}`,
        date,
        from: nameOf(agent),
        to,
        subject: title,
        text,
        html: toHtml(text),
        inReplyTo: id,
        references,
      });
    },
    notify(agent, id, subject, text) {
      const date = new Date(clock.now()).toISOString();
      return mailbox.deliver({ id, date, from: nameOf(agent), to: agent.ownerEmail, subject, text, html: toHtml(text) });
    },
  };
}
