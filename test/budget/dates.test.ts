import { formatMicros, isTimeZone, toBudgetDate, toMonthName, toNextStart } from '../../shared/budget.ts';
import { parsePlane, planeSchema } from '../../shared/plane.ts';

test.each([
  ['UTC', '2026-11-30T23:59:59.999Z', '2026-11', '2026-11-30'],
  ['Europe/Berlin', '2026-11-30T22:59:59.999Z', '2026-11', '2026-11-30'],
  ['Europe/Berlin', '2026-11-30T23:00:00.000Z', '2026-12', '2026-12-01'],
  ['Europe/Berlin', '2026-06-30T22:00:00.000Z', '2026-07', '2026-07-01'],
  ['America/Los_Angeles', '2027-01-01T07:59:59.999Z', '2026-12', '2026-12-31'],
  ['Pacific/Kiritimati', '2026-12-31T10:00:00.000Z', '2027-01', '2027-01-01'],
  ['UTC', '2026-11-01T00:00:00.000Z', '2026-11', '2026-11-01'],
])('in %s %s belongs to month %s and day %s', (timeZone, at, month, day) => {
  expect(toBudgetDate(Date.parse(at), timeZone)).toEqual({ month, day });
});

test('knows time zones by name', () => {
  expect(['UTC', 'Europe/Berlin', 'Asia/Kolkata'].map(isTimeZone)).toEqual([true, true, true]);
  expect(['', 'Mars/Olympus', 'Europe/Berlin; drop'].map(isTimeZone)).toEqual([false, false, false]);
});

test('names months and writes money cut to the cent', () => {
  expect([toMonthName('2026-11'), toNextStart('2026-11'), toNextStart('2026-12')]).toEqual(['November 2026', '1 December', '1 January']);
  expect([0, 1, 10_000, 49_999_999, 50_000_000, 1_234_560_000].map(formatMicros)).toEqual([
    ...['$0', 'less than $0.01', '$0.01', '$49.99', '$50', '$1234.56'],
  ]);
});

test('a plane counts its months in UTC and pauses at the cap unless it says otherwise', () => {
  const minimal = {
    ...{ apiVersion: 'openclaw.dev/v1alpha1', kind: 'AgentsPlane', metadata: { name: 'acme' } },
    spec: {
      identity: { provider: 'google-workspace', domain: 'acme.test' },
      ...{ infrastructure: { provider: 'local' }, secrets: { provider: 'local' }, networking: { provider: 'direct' } },
    },
  };
  expect(planeSchema.parse(minimal).spec).toMatchObject({ timeZone: 'UTC', budget: { whenExhausted: 'pause' } });
  const chosen = { ...minimal, spec: { ...minimal.spec, timeZone: 'Europe/Berlin', budget: { whenExhausted: 'step-down' } } };
  expect(planeSchema.parse(chosen).spec).toMatchObject(chosen.spec);
  expect(parsePlane({ ...minimal, spec: { ...minimal.spec, timeZone: 'Mars/Olympus' } })).toMatchObject({
    problems: [{ path: 'spec.timeZone' }],
  });
});
