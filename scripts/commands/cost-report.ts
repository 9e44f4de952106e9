import { costGroups } from '../../shared/views-fleet.ts';
import type { CostReport } from '../../shared/contract.ts';
import { command } from './command.ts';
import { choice, on, text } from './flags.ts';
import { show, toCsv, toTable, toUsd } from './output.ts';
import { plane } from './said.ts';

type Row = CostReport['total'];

function toCsvText({ from, to, by, rows, total }: CostReport): string {
  const head = [
    'from',
    'to',
    by,
    'label',
    'agents',
    'calls',
    'inputTokens',
    'outputTokens',
    'modelUsd',
    'machineUsd',
    'totalUsd',
    'forecastUsd',
  ];
  const line = ({ key, label, ...row }: Row): (string | number | null)[] => [
    ...[from, to, key, label, row.agents, row.calls, row.inputTokens, row.outputTokens],
    ...[row.modelUsd, row.machineUsd, row.totalUsd, row.forecastUsd],
  ];
  return toCsv([head, ...rows.map(line), line({ ...total, key: 'total', label: 'total' })]);
}

export const costReport = command({
  path: 'cost-report',
  summary: 'show what agents cost: models and machines, by agent, org unit, department or cost center',
  flags: {
    plane,
    period: text('--period <days>', 'days up to today, such as 30d, or month; 30d unless said'),
    from: text('--from <date>', 'the first day, such as 2026-11-01'),
    to: text('--to <date>', 'the last day'),
    by: choice('--by <group>', 'one row for each', costGroups),
    csv: on('--csv', 'answer as CSV'),
  },
  async run({ client, output, planeOf }, { plane: named, csv, ...query }) {
    const report = await client('costReport', { params: { planeId: await planeOf(named) }, query });
    if (csv) return output.write(toCsvText(report));
    show(output, report, () => {
      const line = ({ label, agents, calls, inputTokens, outputTokens, ...usd }: Row): string[] => [
        ...[label, String(agents), String(calls), String(inputTokens + outputTokens)],
        ...[toUsd(usd.modelUsd), toUsd(usd.machineUsd), toUsd(usd.totalUsd), toUsd(usd.forecastUsd)],
      ];
      const head = [report.by.toUpperCase(), 'AGENTS', 'CALLS', 'TOKENS', 'MODELS', 'MACHINES', 'TOTAL', 'MONTH AT THIS PACE'];
      const rows = [...report.rows.map(line), line({ ...report.total, label: 'total' })];
      const title = `${report.planeId} from ${report.from} to ${report.to}, in US dollars`;
      if (report.rows.length === 0) return [`${title}: nothing was spent.`, ...report.notes].join('\n');
      return [title, toTable(head, rows), ...report.notes].join('\n');
    });
  },
});
