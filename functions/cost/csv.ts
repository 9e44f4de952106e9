import type { CostReport } from '../../shared/contract.ts';

const columns = [
  ['key', 'Key'],
  ['label', 'Name'],
  ['agents', 'Agents'],
  ['calls', 'Calls'],
  ['inputTokens', 'Input tokens'],
  ['outputTokens', 'Output tokens'],
  ['modelUsd', 'Models (USD)'],
  ['machineUsd', 'Machines (USD)'],
  ['totalUsd', 'Total (USD)'],
  ['forecastUsd', 'Forecast of the month (USD)'],
] as const satisfies readonly (readonly [keyof CostReport['total'], string])[];

/** RFC 4180. A department named like a formula stays text: spreadsheets run what begins with these. */
function toCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One line for each row, the total last. What is not known is blank. */
export function toCostCsv({ rows, total }: CostReport): string {
  const lines = [
    columns.map(([, title]) => title),
    ...rows.map((row) => columns.map(([name]) => toCell(row[name]))),
    columns.map(([name]) => toCell(name === 'key' ? '' : name === 'label' ? 'Total' : total[name])),
  ];
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('');
}
