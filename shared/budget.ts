/** Money in the ledger is integer micro-dollars. */
export const microsPerUsd = 1_000_000;

export const whenExhausted = ['pause', 'step-down'] as const;
/** At the end of the budget: refuse, or go on with a cheaper tier while that fits. */
export type WhenExhausted = (typeof whenExhausted)[number];

const formats = new Map<string, Intl.DateTimeFormat>();

/** Making a format costs fifty times what using it does. A plane names one zone, so few are ever held. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const found = formats.get(timeZone);
  if (found) return found;
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, calendar: 'gregory', numberingSystem: 'latn' },
    ...{ year: 'numeric', month: '2-digit', day: '2-digit' },
  });
  formats.set(timeZone, format);
  return format;
}

export function isTimeZone(name: string): boolean {
  try {
    return formatOf(name).resolvedOptions().timeZone !== '';
  } catch {
    // A RangeError is how Intl says that it knows no such zone.
    return false;
  }
}

/** The day (`2026-11-22`) and budget month (`2026-11`) of a time in milliseconds since 1970, where the time zone is. */
export function toBudgetDate(at: number, timeZone: string): { readonly day: string; readonly month: string } {
  const parts = formatOf(timeZone).formatToParts(at);
  const part = (wanted: string): string => parts.find(({ type }) => type === wanted)?.value ?? '';
  const month = `${part('year').padStart(4, '0')}-${part('month')}`;
  return { month, day: `${month}-${part('day')}` };
}

const dayMs = 24 * 3_600_000;

/** When a day (`2026-11-22`) begins where the time zone is, in milliseconds since 1970; where a clock change takes midnight away, at its first moment. */
export function toStartOfDay(day: string, timeZone: string): number {
  const midnight = Date.parse(`${day}T00:00:00.000Z`);
  let [before, after] = [midnight - dayMs, midnight + dayMs];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (toBudgetDate(middle, timeZone).day < day) before = middle;
    else after = middle;
  }
  return after;
}

/** The day so many days after another, or before it: `2026-12-01` for `2026-11-30` and 1. */
export const plusDays = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00:00.000Z`) + days * dayMs).toISOString().slice(0, 10);

const months = [
  ...['January', 'February', 'March', 'April', 'May', 'June', 'July'],
  ...['August', 'September', 'October', 'November', 'December'],
];

/** `November 2026` for `2026-11`. */
export const toMonthName = (month: string): string => `${months[Number(month.slice(5)) - 1] ?? month} ${month.slice(0, 4)}`;

/** The day on which the month after `2026-11` begins: `1 December`. */
export const toNextStart = (month: string): string => `1 ${months[Number(month.slice(5)) % 12] ?? month}`;

/** `$50`, `$49.98`; cut to the cent, so that what is not all spent never reads as if it were. */
export function formatMicros(micros: number): string {
  if (micros > 0 && micros < 10_000) return 'less than $0.01';
  const cents = Math.floor(micros / 10_000);
  return cents % 100 === 0 ? `$${cents / 100}` : `$${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
}
