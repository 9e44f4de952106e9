import type { admin_reports_v1 } from '@googleapis/admin';
import type { Activity, ActivityApplication } from '../../core/providers.ts';

interface Parameter {
  readonly name?: string | undefined;
  readonly value?: string | undefined;
  readonly boolValue?: boolean | undefined;
  readonly intValue?: string | number | undefined;
  readonly multiValue?: readonly string[] | undefined;
  readonly multiIntValue?: readonly (string | number)[] | undefined;
}

/** Every value as text, of several values a comma-separated list; nested messages say nothing about users and are left out. */
function toParameters(parameters: readonly Parameter[]): Record<string, string> {
  const texts = parameters.flatMap(({ name, value, boolValue, intValue, multiValue, multiIntValue }): [string, string][] => {
    const several = multiValue ?? multiIntValue;
    const text = value ?? (several ? several.join(',') : (boolValue ?? intValue)?.toString());
    return name === undefined || text === undefined ? [] : [[name, text]];
  });
  return Object.fromEntries(texts);
}

/** Microseconds since 1970 of an RFC 3339 time with up to nine digits of a second; `Date.parse` keeps but three. */
function toMicroseconds(time: string): number | undefined {
  const [, whole = '', fraction = '', zone = ''] = /^([^.]+?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/i.exec(time) ?? [];
  const seconds = Date.parse(`${whole}${zone}`);
  return Number.isNaN(seconds) ? undefined : seconds * 1_000 + Number(fraction.slice(0, 6).padEnd(6, '0'));
}

const toId = (microseconds: number, qualifier: string): Pick<Activity, 'id' | 'at'> => ({
  id: `${microseconds}/${qualifier}`,
  at: Math.floor(microseconds / 1_000),
});

/** An entry as `activities.list` gives it; `undefined` for one without time or qualifier, which no entry of Google's lacks. */
export function fromReports(item: admin_reports_v1.Schema$Activity, application: ActivityApplication): Activity | undefined {
  const microseconds = toMicroseconds(item.id?.time ?? '');
  const qualifier = item.id?.uniqueQualifier;
  if (microseconds === undefined || !qualifier) return undefined;
  const actor = item.actor?.email ?? item.actor?.profileId;
  return {
    ...toId(microseconds, qualifier),
    application,
    ...(actor ? { actor } : {}),
    events: (item.events ?? []).map(({ name = '', parameters = [] }) => ({ name, parameters: toParameters(parameters) })),
  };
}
