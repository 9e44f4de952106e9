import type { UserView } from '../../shared/contract.ts';
import { fieldNames, toAction, toButton } from '../actions.ts';
import type { Section, Widget } from '../card.ts';
import { editable, type EditableField } from '../editing.ts';
import type { Reader } from '../reader.ts';
import { toBudget, toName, toNames, toOriginWords, unconnected } from '../words.ts';
import { buttonRow, fact } from './rows.ts';

type Effective<T> = {
  readonly value: T;
  readonly origin: string;
  readonly added?: readonly { readonly origin: string; readonly items: T }[] | undefined;
  readonly clamped?: { readonly from: T; readonly by: string } | undefined;
};

/** "from group x", what others added and what a limit took away. */
function whence<T>({ origin, clamped, added = [] }: Effective<T>, show: (value: T) => string): string {
  const more = added.map((one) => `; ${toOriginWords(one.origin)} adds ${show(one.items)}`).join('');
  return clamped
    ? `Asked for ${show(clamped.from)} (${toOriginWords(origin)}${more}); limited by ${toOriginWords(clamped.by)}`
    : `From ${toOriginWords(origin)}${more}`;
}

function unconnectedWords(field: EditableField, value: unknown, notSetUp: readonly string[]): string[] {
  if (field === 'channels' && notSetUp.length > 0) return [`Allowed, but not connected yet: ${toNames(notSetUp)} (you set it up first)`];
  if (field !== 'tools' || !Array.isArray(value)) return [];
  const held = unconnected.filter((tool) => value.includes(tool));
  return held.length === 0 ? [] : [`Allowed, but not connected yet: ${toNames(held)}`];
}

/** What cannot be read on the user page, what a limit took away or what is locked says more than where a value comes from. */
function policyRow<T>(
  user: UserView,
  field: EditableField,
  effective: Effective<T>,
  show: (value: T) => string,
  { admin }: Reader,
): Widget {
  const { title, icon, directoryField } = editable[field];
  const notes = user.notes.filter((note) => note.field === directoryField);
  const locked = notes.some(({ kind }) => kind === 'locked');
  return fact(title, show(effective.value), {
    startIcon: { materialIcon: { name: locked ? 'lock' : icon }, altText: locked ? 'Locked' : title },
    bottomLabel: [
      notes.length === 0 ? whence(effective, show) : notes.map(({ message }) => message).join(' '),
      ...unconnectedWords(field, effective.value, user.notSetUp ?? []),
    ].join('. '),
    button:
      admin && !locked
        ? toButton('Change', 'editField', { user: user.id, field }, { type: 'BORDERLESS', altText: `Change ${title.toLowerCase()}` })
        : toButton('Why', 'whyField', { user: user.id, field }, { type: 'BORDERLESS', altText: `Why: ${title.toLowerCase()}` }),
  });
}

export function switchWidgets({ id, active, policy: { agentEnabled }, notes }: UserView, { admin }: Reader): Widget[] {
  const about = notes.filter(({ field }) => field === 'agentEnabled').map(({ message }) => message);
  const words = { bottomLabel: about.length === 0 ? whence(agentEnabled, (on) => (on ? 'on' : 'off')) : about.join(' '), wrapText: true };
  const locked = notes.some(({ field, kind }) => field === 'agentEnabled' && kind === 'locked');
  if (!active) {
    const later = agentEnabled.value
      ? `When the account is active again it is on: ${whence(agentEnabled, (on) => (on ? 'on' : 'off')).toLowerCase()}`
      : '';
    return [fact('Agent enabled', 'Off: the person is suspended', later === '' ? {} : { bottomLabel: later })];
  }
  if (!admin || locked) return [fact('Agent enabled', agentEnabled.value ? 'On' : 'Off', words)];
  return [
    {
      decoratedText: {
        text: '<b>Agent enabled</b>',
        ...words,
        switchControl: {
          name: fieldNames.enabled,
          value: 'on',
          selected: agentEnabled.value,
          controlType: 'SWITCH',
          onChangeAction: toAction('switchAgent', { user: id }),
        },
      },
    },
    ...buttonRow(
      agentEnabled.origin === 'user'
        ? toButton('Follow policy instead', 'inheritField', { user: id, field: 'agentEnabled' }, { type: 'BORDERLESS' })
        : undefined,
    ),
  ];
}

export function policySection(user: UserView, reader: Reader): Section {
  const { policy, active } = user;
  const money = (usd: number): string => toBudget(usd, reader.formats);
  return {
    header: policy.agentEnabled.value && active ? 'What this agent may use' : 'What an agent would get',
    widgets: [
      policyRow(user, 'modelTier', policy.modelTier, toName, reader),
      policyRow(user, 'budgetCap', policy.budgetCap, money, reader),
      policyRow(user, 'tools', policy.tools, toNames, reader),
      policyRow(user, 'channels', policy.channels, toNames, reader),
    ],
  };
}
