import type { BackupView, UserView } from '../../shared/contract.ts';
import { toButton } from '../actions.ts';
import type { Card, Section, Widget } from '../card.ts';
import type { Reader } from '../reader.ts';
import { toColored, toShort } from '../words.ts';
import { attention, details, statusWidgets, usageSection } from './agent-status.ts';
import { moreSection, verbSection } from './agent-verbs.ts';
import { policySection, switchWidgets } from './agent-policy.ts';
import { confirmCard } from './confirm.ts';
import { messageSection, type Message } from './message.ts';
import { receiptRow } from './receipt.ts';

const withoutAgent = ({ policy, active }: UserView): Widget => ({
  decoratedText: {
    topLabel: 'Status',
    text: toColored(policy.agentEnabled.value && active ? 'Waiting to start' : 'No agent', 'grey'),
    ...(policy.agentEnabled.value && active ? { bottomLabel: 'This takes about half a minute. Press Refresh for the latest.' } : {}),
    wrapText: true,
  },
});

const suspended: Section = {
  widgets: [
    {
      decoratedText: {
        startIcon: { materialIcon: { name: 'info' }, altText: 'Note' },
        text: '<b>This person is suspended</b>',
        bottomLabel: 'Suspended people have no agent. When the account is reactivated, a fresh one is made.',
        wrapText: true,
      },
    },
  ],
};

const proof = ({ id, agent }: UserView): Widget[] => (agent?.phase === 'removed' ? [receiptRow(agent.agentId, id)] : []);

export function agentCard(user: UserView, reader: Reader, notice?: Message): Card {
  const { agent } = user;
  return {
    name: 'user',
    header: { title: user.name, subtitle: user.email },
    sections: [
      ...(notice ? [messageSection(notice)] : []),
      { widgets: [...switchWidgets(user, reader), ...(agent ? statusWidgets(agent, reader) : [withoutAgent(user)]), ...proof(user)] },
      ...(user.active ? [] : [suspended]),
      ...attention(user),
      ...(agent ? [usageSection(agent, reader)] : []),
      policySection(user, reader),
      ...(agent ? [...verbSection(user, agent, reader), moreSection(user, agent, reader), details(agent, reader)] : []),
    ],
    fixedFooter: { primaryButton: toButton('Refresh', 'showUser', { user: user.id }, { type: 'OUTLINED' }) },
  };
}

const keptPerhaps = 'Its last backup, if there is one, is kept encrypted for a while.';

/** What is left of an agent that goes; where that could not be read, in general. */
export function toKeptWords(backups: readonly BackupView[] | undefined, { formats }: Pick<Reader, 'formats'>): string {
  if (backups === undefined) return keptPerhaps;
  const ended = backups.flatMap(({ finishedAt }) => finishedAt ?? []).sort();
  const last = ended.at(-1);
  if (last === undefined) return 'There is no backup of it yet: to keep its memory, press Cancel and Back up first.';
  return `Its last backup, of ${formats.when(last)}, is kept encrypted for a while; what it learned since then is lost.`;
}

/** Asked before anything is deleted. It takes the agent card's place, so that no stale switch is left below it. */
export const switchOffCard = ({ id, name, email }: UserView, kept = keptPerhaps): Card =>
  confirmCard({
    name: 'user',
    title: 'Switch this agent off?',
    subtitle: `${toShort(name)}, ${email}`,
    does: [
      `The agent of ${name} loses access at once. Then its machine, its secrets and its account are deleted.`,
      `Its files and memory go with it. ${kept} Switching the agent on again makes a fresh one.`,
    ],
    yes: toButton('Switch off', 'switchOff', { user: id }, { type: 'FILLED' }),
    no: toButton('Cancel', 'showUser', { user: id }),
  });

/** Asked where going back to policy takes an agent away. */
export const inheritOffCard = ({ id, name, email }: UserView, kept = keptPerhaps): Card =>
  confirmCard({
    name: 'user',
    title: 'Follow policy instead?',
    subtitle: `${toShort(name)}, ${email}`,
    does: [
      `No policy switches the agent of ${name} on. So it loses access at once, and its machine, its secrets and its account are deleted.`,
      `Its files and memory go with it. ${kept}`,
    ],
    yes: toButton('Follow policy instead', 'inheritOff', { user: id }, { type: 'FILLED' }),
    no: toButton('Cancel', 'showUser', { user: id }),
  });
