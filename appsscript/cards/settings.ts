import type { Answer } from '../../shared/contract.ts';
import { toButton } from '../actions.ts';
import type { Card, Section, Widget } from '../card.ts';
import type { Reader } from '../reader.ts';
import { toAgents, toColored, toName, toOriginWords, toShort, type Color } from '../words.ts';
import { fact, paragraph, sectionOf } from './rows.ts';

export type Diagnosis = Answer<'diagnose'>;
type Check = Diagnosis['checks'][number];

export interface SettingsPage {
  readonly planeId: string;
  readonly diagnosis: Diagnosis;
  readonly models: Answer<'listModels'>['models'];
  readonly me: Answer<'me'>;
}

const checkWords = {
  ok: ['OK', 'green'],
  warning: ['Please check', 'amber'],
  failed: ['Not working', 'red'],
} as const satisfies Record<Check['state'], readonly [string, Color]>;

const checkTitles: Readonly<Record<string, string>> = {
  'directory schema': 'Fields on people\u2019s pages',
  'push channel': 'Instant news from the directory',
  'audit log': 'Google\u2019s audit log',
  sweep: 'Background work',
};
const toUpper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
export const toCheckTitle = (name: string): string => checkTitles[name] ?? toUpper(name);

/** What was found and what to do about it, times as the reader has them. */
export const toCheckWords = ({ detail, remedy }: Pick<Check, 'detail' | 'remedy'>, { formats }: Reader): string =>
  [detail, remedy === null ? '' : `What to do: ${remedy}`]
    .filter(Boolean)
    .map((sentence) => toUpper(sentence).replace(/\.$/, ''))
    .join('. ')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, formats.when);

const checkRow = (check: Check, reader: Reader): Widget => {
  const { name, state } = check;
  const [words, color] = checkWords[state];
  return {
    decoratedText: {
      topLabel: toCheckTitle(name),
      text: toColored(words, color),
      bottomLabel: toShort(toCheckWords(check, reader), 500),
      wrapText: true,
    },
  };
};

const mostChecks = 30;

/** What is wrong first: that is what somebody opens this for. */
function connection({ checks }: Diagnosis, reader: Reader): Section[] {
  const order: readonly Check['state'][] = ['failed', 'warning', 'ok'];
  const sorted = order.flatMap((state) => checks.filter((check) => check.state === state));
  const wrong = sorted.filter(({ state }) => state !== 'ok').length;
  const verdict = wrong === 0 ? 'Everything is set up' : `${String(wrong)} of ${String(checks.length)} need attention`;
  const [, color] = checkWords[sorted[0]?.state ?? 'ok'];
  return [
    {
      header: 'Connection',
      collapsible: true,
      uncollapsibleWidgetsCount: 1 + Math.max(1, Math.min(wrong, 8)),
      widgets: [
        { decoratedText: { topLabel: 'Agents Plane answers', text: toColored(verdict, color), wrapText: true } },
        ...sorted.slice(0, mostChecks).map((check) => checkRow(check, reader)),
        ...(wrong === 0 ? [] : [paragraph('What to do is for whoever runs your Agents Plane: send them these lines.')]),
      ],
    },
  ];
}

function roles({ email, roles: held, ous }: Answer<'me'>): Section {
  const admin = held.includes('admin');
  const where = ous === null ? 'for the whole company' : `for ${toShort(ous.join(', ') || 'no org unit', 200)}`;
  return {
    header: 'You',
    widgets: [
      fact('Signed in as', email),
      fact('Role', `${admin ? 'Agent Admin' : 'Agent Viewer'} ${where}`, {
        bottomLabel: admin
          ? 'Sees and changes agents.'
          : 'Sees everything, changes nothing. A super admin gives roles in the Admin console.',
      }),
    ],
  };
}

/** A table of models is long where every org unit has its own. */
const mostModels = 15;

function modelRows(models: SettingsPage['models'], { formats }: Reader): Widget[] {
  return models.slice(0, mostModels).map(({ tier, origin, model, inputUsdPerMillion, outputUsdPerMillion, pricedOn }) =>
    fact(`${toName(tier)}, from ${toOriginWords(origin)}`, model, {
      bottomLabel:
        inputUsdPerMillion === null || outputUsdPerMillion === null
          ? 'Its price is not known.'
          : `${formats.money(inputUsdPerMillion)} in, ${formats.money(outputUsdPerMillion)} out per million tokens${pricedOn === null ? '' : `, as of ${formats.day(pricedOn)}`}`,
    }),
  );
}

const help: Section = {
  header: 'Help',
  collapsible: true,
  uncollapsibleWidgetsCount: 1,
  widgets: [
    paragraph('Give somebody an agent: search for them on the overview and switch the agent on. For many at once, open Policies.'),
    paragraph('Take one away: switch it off there, or suspend or delete the person in the Admin console. Access ends within a minute.'),
    paragraph('Something looks wrong: the lines under Connection say what it is and what to do.'),
    paragraph('Anything an admin cannot fix: send the request number of the error card to whoever runs your Agents Plane.'),
  ],
};

export function settingsCard({ planeId, diagnosis, models, me }: SettingsPage, reader: Reader): Card {
  const { plane, openclaw } = diagnosis.versions;
  return {
    name: 'settings',
    header: { title: 'Settings and help', subtitle: `Plane ${planeId}` },
    sections: [
      ...connection(diagnosis, reader),
      roles(me),
      {
        header: 'Versions',
        widgets: [
          fact('Agents Plane', plane),
          fact(
            'OpenClaw',
            openclaw
              .slice(0, 10)
              .map(({ version, agents }) => `${version} on ${toAgents(agents, reader.formats)}`)
              .join(', ') || 'No agent has reported yet',
          ),
        ],
      },
      ...sectionOf('Models', modelRows(models, reader), { collapsible: true, uncollapsibleWidgetsCount: 3 }),
      help,
    ],
    fixedFooter: { primaryButton: toButton('Test again', 'showSettings', {}, { type: 'FILLED_TONAL' }) },
  };
}
