import { stringify } from 'yaml';

export const formats = ['table', 'json', 'yaml'] as const;
export type Format = (typeof formats)[number];

/** Where a command writes: people and programs read standard output, so nothing else goes there. */
export interface Output {
  readonly format: Format;
  readonly colors?: boolean;
  /** In which people read times. */
  readonly timeZone?: string;
  write(text: string): void;
}

const escapes = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;
export type Color = keyof typeof escapes;

/** Colour words: what a whole cell says decides, so that a name or an agent's own words are never coloured. */
const tones: Readonly<Record<string, Color>> = {
  ...{ green: 'green', running: 'green', done: 'green', ok: 'green', applied: 'green', approved: 'green' },
  ...{ yellow: 'yellow', paused: 'yellow', waiting: 'yellow', warning: 'yellow', halted: 'yellow', pending: 'yellow' },
  ...{ red: 'red', failed: 'red', denied: 'red', stale: 'red', removing: 'red', rolledBack: 'red' },
};
const paint = (cell: string, width: number): string => {
  const tone = tones[cell.trim()];
  const padded = cell.padEnd(width);
  return tone === undefined ? padded : `\u001b[${escapes[tone]}m${padded}\u001b[0m`;
};

/** Control characters but tab and line feed: what an agent wrote must not move the cursor or fill the clipboard of a terminal. */
const controls = /[^\P{Cc}\t\n]/gu;
export const toPlain = (text: string): string => text.replaceAll(controls, '');

/** A plain table: columns as wide as their widest cell, two blanks between them. */
export function toTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const plain = rows.map((row) => row.map((cell) => toPlain(cell).replaceAll('\n', ' ')));
  const widths = head.map((title, at) => Math.max(title.length, ...plain.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), ...plain.map(line)].join('\n');
}

/** Colours the cells of a finished table that are a known word by themselves. */
const colored = (text: string): string =>
  text.replaceAll(/(?<=^| {2})[A-Za-z]+(?= {2}|$)/gm, (word) => (tones[word] === undefined ? word : paint(word, 0)));

/** Writes a value as JSON or YAML for programs, or as text for people. */
export function show(output: Output, value: unknown, toText: () => string): void {
  if (output.format === 'json') return output.write(`${JSON.stringify(value, null, 2)}\n`);
  if (output.format === 'yaml') return output.write(stringify(value, { lineWidth: 0 }));
  const text = toPlain(toText());
  output.write(`${output.colors ? colored(text) : text}\n`);
}

const quoted = /[",\r\n]/;
/** A spreadsheet runs a cell that begins so as a formula. */
const formula = /^[=+\-@\t\r]/;
const toCell = (value: string | number | null): string => {
  if (typeof value === 'number') return String(value);
  const text = formula.test(value ?? '') ? `'${value}` : (value ?? '');
  return quoted.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
/** Rows as RFC 4180 has them. */
export const toCsv = (rows: readonly (readonly (string | number | null)[])[]): string =>
  rows.map((row) => `${row.map(toCell).join(',')}\r\n`).join('');

export function toAge(iso: string | null, now: number): string {
  if (iso === null) return 'never';
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;
}

/** `2026-11-22 17:45:30 CET`, for people; programs get ISO 8601 in UTC. */
export function toTime(iso: string | null, { timeZone = 'UTC' }: Pick<Output, 'timeZone'>): string {
  if (iso === null) return '-';
  const date = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
  const format = new Intl.DateTimeFormat('en-GB', { ...date, timeZone, timeZoneName: 'short', hourCycle: 'h23' });
  const parts = new Map(format.formatToParts(new Date(iso)).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}:${part('second')} ${part('timeZoneName')}`;
}

export const toUsd = (usd: number | null): string => (usd === null ? '?' : `${usd < 0 ? '-' : ''}$${Math.abs(usd).toFixed(2)}`);
export const count = (items: number, one: string, many = `${one}s`): string => `${items} ${items === 1 ? one : many}`;
