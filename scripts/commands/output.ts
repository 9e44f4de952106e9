/** Where a command writes: people and programs read standard output, so nothing else goes there. */
export interface Output {
  readonly json: boolean;
  write(text: string): void;
}

/** A plain table: columns as wide as their widest cell, two blanks between them. */
export function toTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}

/** Control characters but tab and line feed: what an agent wrote must not move the cursor or fill the clipboard of a terminal. */
const controls = /[^\P{Cc}\t\n]/gu;
export const toPlain = (text: string): string => text.replaceAll(controls, '');

/** Writes a value as JSON for programs, or as text for people. */
export function show(output: Output, value: unknown, toText: () => string): void {
  output.write(`${output.json ? JSON.stringify(value, null, 2) : toPlain(toText())}\n`);
}

export function toAge(iso: string | null, now: number): string {
  if (iso === null) return 'never';
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`;
}
