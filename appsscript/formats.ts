/** Numbers, money and times as one person reads them. Money in US dollars, times as ISO 8601. */
export interface Formats {
  readonly money: (usd: number) => string;
  readonly count: (count: number) => string;
  /** Of whole per cent. */
  readonly percent: (percent: number) => string;
  readonly size: (bytes: number) => string;
  /** With the name of the time zone. */
  readonly when: (iso: string) => string;
  readonly day: (iso: string) => string;
  /** `iso` as a distance from now; clocks that run ahead count as now. */
  readonly ago: (iso: string | null) => string;
}

export interface Place {
  /** BCP 47, as the host says it; `pt_BR` is taken as well. */
  readonly locale?: string | undefined;
  /** An IANA name such as `Europe/Berlin`. */
  readonly timeZone?: string | undefined;
}

const steps = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1_000, 'second'],
] as const;

function toAgo(iso: string | null, nowMs: number): string {
  if (iso === null) return 'Never';
  const ageMs = nowMs - Date.parse(iso);
  for (const [unitMs, unit] of steps) {
    const count = Math.floor(ageMs / unitMs);
    if (count >= 1) return `${String(count)} ${unit}${count === 1 ? '' : 's'} ago`;
  }
  return 'Just now';
}

/** What `read` makes of what a host said, or `otherwise` where Intl does not know it. */
function known(said: string | undefined, otherwise: string, read: (value: string) => string | undefined): string {
  try {
    return said === undefined || said === '' ? otherwise : (read(said) ?? otherwise);
  } catch {
    // Intl throws a RangeError for a tag or zone that it does not know; nobody goes without a card for that.
    return otherwise;
  }
}

/** Dates and months in the reader's order of parts, English words around them: the add-on itself speaks English. */
export function createFormats({ locale, timeZone }: Place, nowMs: number): Formats {
  const tag = known(locale, 'en-US', (value) => Intl.getCanonicalLocales(value.replace('_', '-'))[0]);
  const zone = known(timeZone, 'UTC', (value) => new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone);
  const numbers = new Map<number, Intl.NumberFormat>();
  const moneyOf = (digits: number): Intl.NumberFormat => {
    const format =
      numbers.get(digits) ??
      new Intl.NumberFormat(tag, { style: 'currency', currency: 'USD', minimumFractionDigits: digits, maximumFractionDigits: digits });
    numbers.set(digits, format);
    return format;
  };
  const plain = new Intl.NumberFormat(tag, { maximumFractionDigits: 1 });
  const share = new Intl.NumberFormat(tag, { style: 'percent', maximumFractionDigits: 0 });
  const times = new Intl.DateTimeFormat(tag, {
    timeZone: zone,
    ...({ year: 'numeric', month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit', timeZoneName: 'short' } as const),
  });
  const days = new Intl.DateTimeFormat(tag, { timeZone: zone, year: 'numeric', month: 'short', day: 'numeric' });
  return {
    money: (usd) => moneyOf(Number.isInteger(usd) ? 0 : 2).format(usd),
    count: (count) => plain.format(count),
    percent: (percent) => share.format(percent / 100),
    size(bytes) {
      if (bytes < 1_000_000) return `${plain.format(Math.ceil(bytes / 1000))} kB`;
      return bytes < 1_000_000_000 ? `${plain.format(bytes / 1_000_000)} MB` : `${plain.format(bytes / 1_000_000_000)} GB`;
    },
    when: (iso) => times.format(new Date(iso)),
    day: (iso) => days.format(new Date(iso)),
    ago: (iso) => toAgo(iso, nowMs),
  };
}
