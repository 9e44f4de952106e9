import type { CostReport } from '../../shared/contract.ts';
import { fieldNames, toButton, toLinkButton } from '../actions.ts';
import type { Card, Widget } from '../card.ts';
import type { Reader } from '../reader.ts';
import { escapeHtml, toAgents } from '../words.ts';
import { dropdown } from './filter.ts';
import { buttonRow, paragraph } from './rows.ts';

export const costGroups = {
  department: 'Department',
  ou: 'Org unit',
  costCenter: 'Cost center',
  agent: 'Person',
} as const satisfies Record<CostReport['by'], string>;

export const costPeriods = { month: 'This month', '30d': 'The last 30 days', '90d': 'The last 90 days', '365d': 'The last year' } as const;
export type CostPeriod = keyof typeof costPeriods;

const isKey = <K extends string>(table: Readonly<Record<K, string>>, key: string): key is K => Object.keys(table).includes(key);
export const isCostGroup = (name: string): name is CostReport['by'] => isKey(costGroups, name);
export const isCostPeriod = (name: string): name is CostPeriod => isKey(costPeriods, name);

/** The dearest; all of them are in the download. */
const mostRows = 20;

type Row = CostReport['total'];

const costRow = (
  { label, agents, calls, modelUsd, machineUsd, totalUsd, forecastUsd }: Row,
  { formats }: Reader,
  title = label,
): Widget => ({
  decoratedText: {
    topLabel: `${toAgents(agents, formats)}, ${formats.count(calls)} model call${calls === 1 ? '' : 's'}`,
    text: `${escapeHtml(title || 'Not set')}: <b>${escapeHtml(formats.money(totalUsd))}</b>`,
    bottomLabel: [
      `Models ${formats.money(modelUsd)}`,
      machineUsd === null ? 'price of machines not known' : `machines ${formats.money(machineUsd)}`,
      ...(forecastUsd === null ? [] : [`at this pace ${formats.money(forecastUsd)} by the end of the month`]),
    ].join(', '),
    wrapText: true,
  },
});

/** Noon, so that no time zone makes another day of it. */
const dayOf = (date: string, { formats }: Reader): string => formats.day(`${date}T12:00:00.000Z`);

export function costsCard(report: CostReport, period: CostPeriod, reader: Reader): Card {
  const { by, rows, total, notes, from, to } = report;
  const shown = [...rows].sort((a, b) => b.totalUsd - a.totalUsd).slice(0, mostRows);
  return {
    name: 'costs',
    header: { title: 'Costs', subtitle: `${dayOf(from, reader)} to ${dayOf(to, reader)}` },
    sections: [
      {
        widgets: [
          costRow(total, reader, 'All together'),
          dropdown(fieldNames.by, 'By', Object.entries(costGroups), by),
          dropdown(fieldNames.period, 'When', Object.entries(costPeriods), period),
          ...buttonRow(
            toButton('Show', 'showCosts', {}, { type: 'FILLED_TONAL' }),
            toLinkButton('Download', 'downloadCosts', { by, period }, { type: 'OUTLINED', altText: 'Download this report as a CSV file' }),
          ),
        ],
      },
      {
        header: `By ${costGroups[by].toLowerCase()}`,
        widgets: [
          ...(shown.length === 0 ? [paragraph('Nothing was spent.')] : shown.map((row) => costRow(row, reader))),
          ...(rows.length > shown.length
            ? [paragraph(`And ${reader.formats.count(rows.length - shown.length)} more, in the download.`)]
            : []),
          ...notes.slice(0, 5).map(paragraph),
        ],
      },
    ],
  };
}
