import { agentIdSchema } from '../../shared/agent.ts';
import { moveAssignment } from '../core/assignments.ts';
import { linkMs, type Credentials } from '../core/credentials.ts';
import { PlaneError } from '../core/errors.ts';
import type { Tally } from '../core/notes.ts';
import type { Introduction } from '../core/parts.ts';
import type { AgentRecord, MessageRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import type { Clock } from '../core/surroundings.ts';
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
  /** The mail domain of agents; an agent's address is its id there. */
  readonly mailDomain: string;
}

export interface IncomingMail {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly inReplyTo?: string | undefined;
}

export interface Correspondence extends Introduction {
  /** Takes a mail from an owner to an agent; refused unless the sender is the owner of an agent that should run. The mail and its place in the agent's queue commit together. */
  receive(mail: IncomingMail): Promise<Message>;
  /** Mails an agent's answer back in the owner's thread. */
  answer(agent: AgentRecord, message: MessageRecord, text: string): Promise<void>;
}

const toHtml = (text: string): string =>
  `<pre style="font:inherit;white-space:pre-wrap">${text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</pre>`;

/** Mail between owners and their agents, through one mailbox. */
export function createCorrespondence(deps: CorrespondenceDeps): Correspondence {
  const { mailbox, store, clock, tally, credentials, company, publicUrl, mailDomain } = deps;

  const addressOf = (agent: AgentRecord): string => `${agent.agentId}@${mailDomain}`;
  const nameOf = (agent: AgentRecord): string => `${agent.name.replaceAll(/["<>\\]/g, '')} <${addressOf(agent)}>`;

  async function agentAt(address: string): Promise<AgentRecord | undefined> {
    const local = /([a-z0-9]+)@([a-z0-9.-]+)>?$/i.exec(address.trim());
    const id = agentIdSchema.safeParse(local?.[1]?.toLowerCase());
    return id.success && local?.[2]?.toLowerCase() === mailDomain ? store.get('agents', id.data) : undefined;
  }

  return {
    async send(agent, text, key) {
      const { agentId, incarnation } = agent;
      const link = `${publicUrl}/me/${credentials.mint({ kind: 'link', agentId, incarnation, extra: clock.now() + linkMs })}`;
      const { tools, channels } = agent.spec;
      const names = { agentName: agent.name, ownerName: agent.ownerName, ownerEmail: agent.ownerEmail, company: company(agent.planeId) };
      await mailbox.deliver(renderIntroduction({ ...names, tools, channels, text, link, from: nameOf(agent), id: key, date: clock.now() }));
    },
    async receive({ id, from, to, subject, text, inReplyTo }) {
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
        ...(inReplyTo === undefined ? {} : { inReplyTo, references: [inReplyTo] }),
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
  };
}
