import type { AgentView, UserView } from '../../shared/contract.ts';
import { enabledField, toAction, toButton } from '../actions.ts';
import type { Card, Section, Widget } from '../card.ts';
import { escapeHtml, toAgo, toBudget, toColored, toConditionTitle, toName, toNames, toOriginWords, toStatus } from '../words.ts';
import { messageSection, type Message } from './message.ts';

type Effective<T> = {
  readonly value: T;
  readonly origin: string;
  readonly clamped?: { readonly from: T; readonly by: string } | undefined;
};

/** "from group x", and what a limit took away. */
const whence = <T>({ origin, clamped }: Effective<T>, show: (value: T) => string): string =>
  clamped
    ? `Asked for ${show(clamped.from)} (${toOriginWords(origin)}); limited by ${toOriginWords(clamped.by)}`
    : `From ${toOriginWords(origin)}`;

type Notes = UserView['notes'];

/** What cannot be read on the user page, what a limit took away or what is locked says more than where a value comes from. */
const policyRow = <T>(topLabel: string, icon: string, effective: Effective<T>, show: (value: T) => string, notes: Notes): Widget => ({
  decoratedText: {
    startIcon: { materialIcon: { name: icon } },
    topLabel,
    text: escapeHtml(show(effective.value)),
    bottomLabel: notes.length === 0 ? whence(effective, show) : notes.map(({ message }) => message).join(' '),
    wrapText: true,
  },
});

const switchRow = ({ id, policy }: UserView): Widget => ({
  decoratedText: {
    text: '<b>Agent enabled</b>',
    bottomLabel: whence(policy.agentEnabled, (on) => (on ? 'on' : 'off')),
    wrapText: true,
    switchControl: {
      name: enabledField,
      value: 'on',
      selected: policy.agentEnabled.value,
      controlType: 'SWITCH',
      onChangeAction: toAction('switchAgent', { user: id }),
    },
  },
});

/** Twenty blocks are the width of a panel. */
const toBar = (percent: number): string => {
  const full = Math.min(20, Math.round(percent / 5));
  return `${'\u2588'.repeat(full)}${'\u2591'.repeat(20 - full)} ${percent} %`;
};

/** What goes on and how long it takes: a panel beside Gmail does not move by itself. */
function toNote({ phase, detail }: AgentView): { bottomLabel?: string } {
  const refresh = 'Press Refresh to see where it stands.';
  switch (phase) {
    case 'pending':
    case 'provisioning':
      return { bottomLabel: [detail, `This takes about half a minute. ${refresh}`].filter(Boolean).join('. ') };
    case 'removing':
      return { bottomLabel: `Access is gone already; the rest takes some seconds. ${refresh}` };
    case 'removed':
      return { bottomLabel: `${detail ? `Reason: ${detail}. ` : ''}A signed receipt proves that nothing is left.` };
    case 'running':
    case 'paused':
      return detail === null ? {} : { bottomLabel: detail };
  }
}

function statusWidgets(user: UserView, agent: AgentView, nowMs: number): Widget[] {
  const { words, color } = toStatus(agent);
  return [
    {
      decoratedText: {
        topLabel: 'Status',
        text: toColored(words, color),
        ...toNote(agent),
        wrapText: true,
      },
    },
    {
      decoratedText: {
        topLabel: 'Cost this month',
        text: `$${agent.budget.spentUsd.toFixed(2)} of ${toBudget(agent.budget.capUsd)}`,
        bottomLabel: toBar(agent.budget.percent),
      },
    },
    ...(agent.phase === 'removed' ? [] : [{ decoratedText: { topLabel: 'Last heartbeat', text: toAgo(agent.lastHeartbeat, nowMs) } }]),
    {
      buttonList: {
        buttons: [
          toButton(
            'Restart',
            'restart',
            { user: user.id, agentId: agent.agentId },
            { type: 'OUTLINED', disabled: agent.phase !== 'running', altText: 'Restart this agent' },
          ),
          toButton('Refresh', 'showUser', { user: user.id }, { type: 'OUTLINED' }),
        ],
      },
    },
  ];
}

const withoutAgent = (user: UserView): Widget[] => [
  {
    decoratedText: {
      topLabel: 'Status',
      text: toColored(user.policy.agentEnabled.value && user.active ? 'Waiting to start' : 'No agent', 'grey'),
    },
  },
  { buttonList: { buttons: [toButton('Refresh', 'showUser', { user: user.id }, { type: 'OUTLINED' })] } },
];

function attention({ agent, problems }: UserView): Section[] {
  const conditions = agent?.conditions ?? [];
  const unsaid = problems.filter((problem) => !conditions.some(({ message }) => message.includes(problem)));
  const rows = [
    ...conditions.map(({ type, message }) => ({ title: toConditionTitle(type), message })),
    ...unsaid.map((message) => ({ title: toConditionTitle('InvalidSpec'), message })),
  ];
  // A card holds a hundred widgets, and nobody reads more than a few of these.
  const widgets = rows.slice(0, 10).map(({ title, message }): Widget => ({
    decoratedText: {
      startIcon: { materialIcon: { name: 'warning' }, altText: 'Needs attention' },
      text: `<b>${escapeHtml(title)}</b>`,
      bottomLabel: message,
      wrapText: true,
    },
  }));
  return widgets.length === 0 ? [] : [{ header: 'Needs attention', widgets }];
}

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

const details = (agent: AgentView, nowMs: number): Section => ({
  header: 'Details',
  collapsible: true,
  uncollapsibleWidgetsCount: 0,
  widgets: [
    { decoratedText: { topLabel: 'Agent id', text: escapeHtml(agent.agentId) } },
    { decoratedText: { topLabel: 'Organizational unit', text: escapeHtml(agent.ouPath) } },
    {
      decoratedText: {
        topLabel: 'Machine',
        text: escapeHtml(agent.policy.machineType.value),
        bottomLabel: whence(agent.policy.machineType, String),
      },
    },
    { decoratedText: { topLabel: 'Last change', text: toAgo(agent.changedAt, nowMs) } },
  ],
});

export function agentCard(user: UserView, nowMs: number, notice?: Message): Card {
  const { policy, agent } = user;
  const notesOn = (name: Notes[number]['field']) => user.notes.filter(({ field }) => field === name);
  return {
    name: 'user',
    header: { title: user.name, subtitle: user.email },
    sections: [
      ...(notice ? [messageSection(notice)] : []),
      { widgets: [switchRow(user), ...(agent ? statusWidgets(user, agent, nowMs) : withoutAgent(user))] },
      ...(user.active ? [] : [suspended]),
      ...attention(user),
      {
        header: policy.agentEnabled.value && user.active ? 'What this agent may use' : 'What an agent would get',
        widgets: [
          policyRow('Model', 'memory', policy.modelTier, toName, notesOn('modelTier')),
          policyRow('Budget', 'payments', policy.budgetCap, toBudget, notesOn('budgetCap')),
          policyRow('Tools', 'build', policy.tools, toNames, notesOn('toolAllowlist')),
          policyRow('Channels', 'forum', policy.channels, toNames, notesOn('channelRestrictions')),
        ],
      },
      ...(agent ? [details(agent, nowMs)] : []),
    ],
  };
}

/** Asked before anything is deleted. It takes the agent card's place, so that no stale switch is left below it. */
export const switchOffCard = ({ id, name, email }: UserView): Card => ({
  name: 'user',
  header: { title: 'Switch this agent off?', subtitle: `${name}, ${email}` },
  sections: [
    {
      widgets: [
        {
          textParagraph: {
            text: `The agent of <b>${escapeHtml(name)}</b> loses access at once. Then its machine, its secrets and its account are deleted.`,
          },
        },
        {
          textParagraph: {
            text: 'Its workspace and memory go with it; its last backup, if there is one, is kept encrypted for a while. Switching the agent on again makes a fresh one.',
          },
        },
      ],
    },
  ],
  fixedFooter: {
    primaryButton: toButton('Switch off', 'switchOff', { user: id }, { type: 'FILLED' }),
    secondaryButton: toButton('Cancel', 'showUser', { user: id }),
  },
});
