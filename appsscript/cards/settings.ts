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
  ok: ['In order', 'green'],
  warning: ['Look at this', 'amber'],
  failed: ['Missing', 'red'],
} as const satisfies Record<Check['state'], readonly [string, Color]>;

const checkRow = ({ name, state, detail, remedy }: Check): Widget => {
  const [words, color] = checkWords[state];
  return {
    decoratedText: {
      topLabel: name.charAt(0).toUpperCase() + name.slice(1),
      text: toColored(words, color),
      bottomLabel: toShort([detail, remedy === null ? '' : `What to do: ${remedy}`].filter(Boolean).join('. '), 500),
      wrapText: true,
    },
  };
};

const mostChecks = 30;

/** What is wrong first: that is what somebody opens this for. */
function connection({ checks }: Diagnosis): Section[] {
  const order: readonly Check['state'][] = ['failed', 'warning', 'ok'];
  const sorted = order.flatMap((state) => checks.filter((check) => check.state === state));
  const wrong = sorted.filter(({ state }) => state !== 'ok').length;
  const verdict = wrong === 0 ? 'Everything the plane needs is there' : `${String(wrong)} of ${String(checks.length)} need somebody`;
  const [, color] = checkWords[sorted[0]?.state ?? 'ok'];
  return [
    {
      header: 'Connection',
      collapsible: true,
      uncollapsibleWidgetsCount: 1 + Math.max(1, Math.min(wrong, 8)),
      widgets: [
        { decoratedText: { topLabel: 'Agents Plane answers', text: toColored(verdict, color), wrapText: true } },
        ...sorted.slice(0, mostChecks).map(checkRow),
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
    paragraph('Something looks wrong: the lines under Connection name it and say what to do. planes diagnose prints the same.'),
    paragraph('Anything an admin cannot fix: send the request number of the error card to whoever runs your Agents Plane.'),
  ],
};

export function settingsCard({ planeId, diagnosis, models, me }: SettingsPage, reader: Reader): Card {
  const { plane, openclaw } = diagnosis.versions;
  return {
    name: 'settings',
    header: { title: 'Settings and help', subtitle: `Plane ${planeId}` },
    sections: [
      ...connection(diagnosis),
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
