import type { ExplanationView, UserView } from '../../shared/contract.ts';
import { fieldNames, toButton } from '../actions.ts';
import type { Card, Widget } from '../card.ts';
import { choicesOf, editable, lowestLimit, permitted, saidByPolicy, type EditableField } from '../editing.ts';
import type { Reader } from '../reader.ts';
import { toBudget, toName, toNames, toOriginWords } from '../words.ts';
import { buttonRow, fact, paragraph } from './rows.ts';

type Explained = ExplanationView['fields'][number];

const show = (value: Explained['value'], { formats }: Reader): string => {
  if (typeof value === 'number') return toBudget(value, formats);
  if (typeof value === 'boolean') return value ? 'On' : 'Off';
  return typeof value === 'string' ? toName(value) : toNames(value);
};

/** What the form of a field carries when nobody touches it. */
const shownIn = (field: EditableField, { policy }: UserView): readonly string[] =>
  field === 'budgetCap' ? [String(policy.budgetCap.value)] : field === 'modelTier' ? [policy.modelTier.value] : policy[field].value;

function inputs(field: EditableField, { policy }: UserView, explained: Explained | undefined, { formats }: Reader): Widget[] {
  if (field === 'budgetCap') {
    const limit = lowestLimit(explained);
    const most = limit ? ` At most ${formats.money(limit.usd)}, says ${toOriginWords(limit.origin)}.` : '';
    return [
      {
        textInput: {
          name: fieldNames.value,
          label: 'US dollars a month',
          hintText: `Whole dollars.${most} What is spent this month already counts.`,
          value: String(policy.budgetCap.value),
        },
      },
    ];
  }
  const names = choicesOf(field);
  const chosen: readonly string[] = field === 'modelTier' ? [policy.modelTier.value] : policy[field].value;
  const open = permitted(field, explained);
  return [
    ...(open.length === 0
      ? []
      : [
          {
            selectionInput: {
              name: fieldNames.value,
              label: editable[field].title,
              type: field === 'modelTier' ? ('DROPDOWN' as const) : ('CHECK_BOX' as const),
              items: open.map((value) => ({ value, text: names[value] ?? value, selected: chosen.includes(value) })),
            },
          },
        ]),
  ];
}

/** What somebody looks for and does not find, and why. */
function missing(field: EditableField, { policy }: UserView, explained: Explained | undefined, may: boolean): Widget[] {
  if (field === 'budgetCap') return [];
  const open = permitted(field, explained);
  // Of models one is held, and none of the others is missed.
  const held: readonly string[] = field === 'modelTier' ? open : policy[field].value;
  const names = Object.keys(choicesOf(field)).filter((name) => !held.includes(name));
  const [allowed, closed] = [names.filter((name) => open.includes(name)), names.filter((name) => !open.includes(name))];
  const closers = (explained?.limits ?? []).filter(({ limit }) => Array.isArray(limit) && closed.some((name) => !limit.includes(name)));
  const way = may
    ? 'Check it above for this person only, or open Policies on the overview for a whole org unit or group.'
    : 'An Agent Admin can add it, for this person or by policy.';
  return [
    ...(allowed.length === 0
      ? []
      : [fact('Not included', toNames(allowed), { bottomLabel: `Neither policy nor their own page grants it. ${way}` })]),
    ...(closed.length === 0
      ? []
      : [
          fact('Not allowed here', toNames(closed), {
            bottomLabel: `Whoever grants it: the limit of ${closers.map(({ origin }) => toOriginWords(origin)).join(' and ')} rules it out.`,
          }),
        ]),
  ];
}

const fromThenOn = ' From then on changes of policy to this no longer reach them, until it is removed here again.';

/** One value of one person, why it is so, and for those who may the way to change it. It takes the agent card's place. */
export function editFieldCard(user: UserView, field: EditableField, explanation: ExplanationView, reader: Reader): Card {
  const explained = explanation.fields.find((one) => one.field === field);
  const policySays = saidByPolicy(explained).slice(-1)[0];
  const at = explanation.fields.findIndex((one) => one.field === field);
  const own = user.policy[field].origin === 'user' || (explained?.said ?? []).some(({ origin }) => origin === 'user');
  const locked = user.notes.some((note) => note.field === editable[field].directoryField && note.kind === 'locked');
  const may = reader.admin && !locked;
  const target = { user: user.id, field };
  return {
    name: 'user',
    header: { title: `${editable[field].title} of ${user.name}`, subtitle: user.email },
    sections: [
      {
        widgets: may
          ? [
              ...inputs(field, user, explained, reader),
              paragraph(`Saved to this person\u2019s page in the directory; the agent follows within seconds.${own ? '' : fromThenOn}`),
            ]
          : [fact('Now', show(user.policy[field].value, reader), { bottomLabel: `From ${toOriginWords(user.policy[field].origin)}` })],
      },
      {
        header: may ? 'What policy says' : 'Why',
        widgets: [
          ...(user.policy.agentEnabled.value && user.active ? [] : [paragraph(`${user.name} has no agent. This is what one would get.`)]),
          ...(policySays
            ? [
                fact('Set by policy', show(policySays.value, reader), {
                  bottomLabel: `From ${toOriginWords(policySays.origin)}`,
                }),
              ]
            : []),
          paragraph(explanation.sentences[at] ?? 'Nothing is known about that.'),
          ...missing(field, user, explained, may),
          ...buttonRow(own && may ? toButton('Remove and inherit', 'inheritField', target, { type: 'OUTLINED' }) : undefined),
        ],
      },
    ],
    fixedFooter: may
      ? {
          primaryButton: toButton('Save', 'saveField', { ...target, was: JSON.stringify(shownIn(field, user)) }, { type: 'FILLED' }),
          secondaryButton: toButton('Cancel', 'showUser', { user: user.id }),
        }
      : { primaryButton: toButton('Back', 'showUser', { user: user.id }, { type: 'OUTLINED' }) },
  };
}
