import type { Answer, OperationView, PlaneView } from '../../shared/contract.ts';
import { toButton, type Actions } from '../actions.ts';
import { areas, openArea } from '../areas.ts';
import type { Button, Card, Section, Widget } from '../card.ts';
import { isEverything, toFilterWords, type Filter } from '../filter.ts';
import type { Reader } from '../reader.ts';
import { toAgents, toBar } from '../words.ts';
import { messageSection, type Message } from './message.ts';
import { operationRow } from './operation.ts';
import { pagerButtons, type Position } from './pager.ts';
import { agentRow, agentsPerPage, searchWidgets } from './people.ts';
import { buttonRow, lead, paragraph, sectionOf, warning } from './rows.ts';
import { toCheckTitle, toCheckWords } from './settings.ts';

/** What waits for a person, as far as it was fetched; absent where the reader may not see it. */
export interface Waiting {
  /** More than were fetched. */
  readonly more: boolean;
  readonly changes: number;
  readonly requests: number;
}

export interface HomePage extends Position {
  readonly plane: PlaneView;
  readonly page: Answer<'listAgents'>;
  readonly filter: Filter;
  readonly waiting?: Waiting | undefined;
  readonly operations: readonly OperationView[];
  /** No model is connected, and something that says so answers instead. */
  readonly standIn: boolean;
  readonly notice?: Message | undefined;
}

const toHome = (filter: Filter, cursor = '', back = '[]'): Actions['home'] => ({ filter: JSON.stringify(filter), cursor, back });

const counts = ({ agents }: PlaneView, { formats }: Reader): Widget => {
  const item = (id: string, count: number, subtitle: string) =>
    ({ id, title: formats.count(count), subtitle, textAlignment: 'CENTER' }) as const;
  return {
    grid: {
      columnCount: 2,
      items: [
        item('running', agents.running, 'Running'),
        item('attention', agents.attention, 'Need attention'),
        item('paused', agents.paused, 'Paused'),
        item('working', agents.working, 'Starting or leaving'),
      ],
    },
  };
};

function spend({ spend: { capUsd, spentUsd } }: PlaneView, { formats }: Reader): Widget {
  const percent = capUsd === 0 ? 0 : Math.floor((spentUsd * 100) / capUsd);
  const [words, color] =
    percent >= 100
      ? (['All budgets are used up', 'red'] as const)
      : percent >= 80
        ? (['Close to the limit', 'amber'] as const)
        : (['', 'green'] as const);
  return {
    decoratedText: {
      topLabel: 'Spent this month',
      text: `${formats.money(spentUsd)}<br>${toBar(percent, words, color, formats)}`,
      bottomLabel: `Of ${formats.money(capUsd)} a month, the budgets of all agents together`,
      wrapText: true,
    },
  };
}

function waitingRows({ changes, requests, more }: Waiting, reader: Reader): Widget[] {
  const open = openArea('approvals', reader);
  const row = (count: number, one: string, many: string): Widget[] =>
    count === 0
      ? []
      : [
          lead(
            'approval',
            `${reader.formats.count(count)}${more ? ' or more' : ''} ${count === 1 ? one : many}`,
            'Waiting for your decision',
            {
              ...(open ? { onClick: open } : {}),
            },
          ),
        ];
  return [...row(changes, 'large change', 'large changes'), ...row(requests, 'request from an agent', 'requests from agents')];
}

const removedWords = 'Agents that are gone. Open one for the signed proof of its removal.';

function agentSection({ page, filter, cursor, back }: HomePage): Section {
  const rows = page.agents.slice(0, agentsPerPage).map(agentRow);
  const quick = (text: string, wanted: Filter): Button => toButton(text, 'home', toHome(wanted), { type: 'OUTLINED' });
  const all = isEverything(filter);
  return {
    header: 'Agents',
    widgets: [
      ...(all ? [] : [paragraph(filter.phase === 'removed' ? removedWords : `Showing only: ${toFilterWords(filter)}.`)]),
      ...buttonRow(
        ...(all
          ? [quick('Need attention', { attention: 'true' }), quick('Paused', { phase: 'paused' }), quick('Removed', { phase: 'removed' })]
          : [quick('Show all', {})]),
        toButton(all ? 'Filter' : 'Change filter', 'openFilter', { filter: JSON.stringify(filter) }, { type: 'OUTLINED' }),
      ),
      ...(rows.length === 0 ? [paragraph(all ? 'No agents on this page.' : 'No agents match.')] : rows),
      ...buttonRow(...pagerButtons('home', 'agents', page.next, { cursor, back }, (position) => ({ ...toHome(filter), ...position }))),
    ],
  };
}

const noModel: Section = {
  widgets: [
    warning(
      'No model is connected',
      'A stand-in answers instead of Haiku, Sonnet and Opus. Ask whoever runs your Agents Plane to connect one; Settings and help says how.',
    ),
  ],
};

const areaRows = (reader: Reader): Widget[] =>
  areas.filter(({ isFor }) => isFor?.(reader) ?? true).map(({ icon, title, about, open }) => lead(icon, title, about, { onClick: open }));

export function homeCard(home: HomePage, reader: Reader): Card {
  const { plane, waiting, operations, filter, cursor, back, notice } = home;
  return {
    name: 'home',
    header: { title: 'Overview', subtitle: `Plane ${plane.planeId}, ${toAgents(plane.agents.total, reader.formats)}` },
    sections: [
      ...(notice ? [messageSection(notice)] : []),
      ...(home.standIn ? [noModel] : []),
      { widgets: [counts(plane, reader), spend(plane, reader)] },
      ...sectionOf(
        'In progress',
        operations.map((operation) => operationRow(operation, reader)),
      ),
      ...sectionOf('For you to decide', waiting ? waitingRows(waiting, reader) : []),
      { header: 'Find a person', widgets: searchWidgets('Search') },
      agentSection(home),
      ...sectionOf('More', areaRows(reader)),
    ],
    fixedFooter: { primaryButton: toButton('Refresh', 'home', toHome(filter, cursor, JSON.stringify(back)), { type: 'OUTLINED' }) },
  };
}

type Checks = Answer<'diagnose'>['checks'];

const checkWidgets = (checks: Checks, reader: Reader): Widget[] => {
  const wrong = checks.filter(({ state }) => state !== 'ok');
  if (wrong.length === 0) {
    return [lead('check_circle', 'Everything is set up', checks.map(({ name }) => toCheckTitle(name)).join(', '), {})];
  }
  return wrong
    .slice(0, 15)
    .map((check) =>
      lead(
        check.state === 'failed' ? 'error' : 'warning',
        `${toCheckTitle(check.name)}: ${check.state === 'failed' ? 'not working' : 'please check'}`,
        toCheckWords(check, reader),
        {},
      ),
    );
};

/**
 * A plane without agents: the way to the first one, and what is still missing for it. `checks` is absent where it could not be asked;
 * `someRemoved`: there were agents before.
 */
export function firstRunCard(plane: PlaneView, checks: Checks | undefined, someRemoved: boolean, reader: Reader): Card {
  const own = toButton('Start with my own', 'openUser', { user: reader.email }, { type: 'FILLED' });
  return {
    name: 'home',
    header: { title: 'Overview', subtitle: `Plane ${plane.planeId}` },
    sections: [
      {
        header: reader.admin ? 'Give your first person an agent' : 'Nobody has an agent yet',
        widgets: [
          paragraph(
            'An agent is a personal assistant that works for one person. It introduces itself by mail; there is nothing to install.',
          ),
          ...(reader.admin ? [paragraph('Find the person below and switch the agent on. That is all.'), ...buttonRow(own)] : []),
          ...searchWidgets('Search'),
        ],
      },
      ...sectionOf(
        'Removed agents',
        someRemoved ? buttonRow(toButton('Show removed agents', 'home', toHome({ phase: 'removed' }), { type: 'OUTLINED' })) : [],
      ),
      {
        header: 'Is everything ready?',
        widgets: checks ? checkWidgets(checks, reader) : [paragraph('This could not be checked just now.')],
      },
      {
        header: 'For many people at once',
        widgets: [
          paragraph(
            'Policies for the organization, organizational units and groups can switch agents on too. Whoever gets one that way appears here.',
          ),
          ...areaRows(reader),
        ],
      },
    ],
    fixedFooter: { primaryButton: toButton('Refresh', 'home', toHome({}), { type: 'OUTLINED' }) },
  };
}
