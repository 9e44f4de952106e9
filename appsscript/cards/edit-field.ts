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

/** One value of one person, with the way back to what policy says. It takes the agent card's place. */
export function editFieldCard(user: UserView, field: EditableField, explanation: ExplanationView, reader: Reader): Card {
  const explained = explanation.fields.find((one) => one.field === field);
  const policySays = saidByPolicy(explained).slice(-1)[0];
  const at = explanation.fields.findIndex((one) => one.field === field);
  const own = user.policy[field].origin === 'user' || (explained?.said ?? []).some(({ origin }) => origin === 'user');
  const target = { user: user.id, field };
  return {
    name: 'user',
    header: { title: `${editable[field].title} of ${user.name}`, subtitle: user.email },
    sections: [
      {
        widgets: [
          ...inputs(field, user, explained, reader),
          paragraph('It is written to this person\u2019s page in the directory, and the agent follows within seconds.'),
        ],
      },
      {
        header: 'What policy says',
        widgets: [
          ...(policySays
            ? [
                fact('Without a value of their own', show(policySays.value, reader), {
                  bottomLabel: `From ${toOriginWords(policySays.origin)}`,
                }),
              ]
            : []),
          paragraph(explanation.sentences[at] ?? 'Nothing is known about that.'),
          ...buttonRow(own ? toButton('Inherit again', 'inheritField', target, { type: 'OUTLINED' }) : undefined),
        ],
      },
    ],
    fixedFooter: {
      primaryButton: toButton('Save', 'saveField', target, { type: 'FILLED' }),
      secondaryButton: toButton('Cancel', 'showUser', { user: user.id }),
    },
  };
}
