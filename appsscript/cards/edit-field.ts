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
  const closed = Object.keys(names).filter((choice) => !open.includes(choice));
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
    ...(closed.length === 0 ? [] : [paragraph(`Not allowed here: ${toNames(closed)}.`)]),
  ];
}

/** Lists alone: what somebody looks for and does not find. */
function missing(field: EditableField, { policy }: UserView, may: boolean): Widget[] {
  if (field !== 'tools' && field !== 'channels') return [];
  const held: readonly string[] = policy[field].value;
  const names = Object.keys(choicesOf(field)).filter((name) => !held.includes(name));
  if (names.length === 0) return [];
  const way = may
    ? 'Tick it above for this person alone, or open Policies on the overview for everybody there.'
    : 'An Agent Admin can add it, for this person or by policy.';
  return [fact('Not among them', toNames(names), { bottomLabel: `Nothing that counts here gives it. ${way}` })];
}

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
              paragraph('It is written to this person\u2019s page in the directory, and the agent follows within seconds.'),
            ]
          : [fact('Now', show(user.policy[field].value, reader), { bottomLabel: `From ${toOriginWords(user.policy[field].origin)}` })],
      },
      {
        header: may ? 'What policy says' : 'Why it is so',
        widgets: [
          ...(policySays
            ? [
                fact('Without a value of their own', show(policySays.value, reader), {
                  bottomLabel: `From ${toOriginWords(policySays.origin)}`,
                }),
              ]
            : []),
          paragraph(explanation.sentences[at] ?? 'Nothing is known about that.'),
          ...missing(field, user, may),
          ...buttonRow(own && may ? toButton('Inherit again', 'inheritField', target, { type: 'OUTLINED' }) : undefined),
        ],
      },
    ],
    fixedFooter: may
      ? {
          primaryButton: toButton('Save', 'saveField', target, { type: 'FILLED' }),
          secondaryButton: toButton('Cancel', 'showUser', { user: user.id }),
        }
      : { primaryButton: toButton('Back', 'showUser', { user: user.id }, { type: 'OUTLINED' }) },
  };
}
