import { answerAction, answerHomepage } from '../../appsscript/dispatch.ts';
import { createFormats } from '../../appsscript/formats.ts';
import { toBudget } from '../../appsscript/words.ts';
import { formats, nowMs } from './company.ts';
import { createHost, eventOf, textOf, working } from './sandbox.ts';

/** Intl puts spaces of its own between number and sign. */
const plain = (text: string): string => text.replaceAll(/[\u00a0\u202f]/g, ' ');

describe('numbers and times', () => {
  it.each([
    [null, 'Never'],
    ['2026-11-22T12:00:05.000Z', 'Just now'],
    ['2026-11-22T11:59:59.000Z', '1 second ago'],
    ['2026-11-22T11:57:00.000Z', '3 minutes ago'],
    ['2026-11-20T11:57:00.000Z', '2 days ago'],
  ])('tell the age of %s as %s', (iso, words) => {
    expect(formats.ago(iso)).toBe(words);
  });

  it('are written as the person reads them', () => {
    const german = createFormats({ locale: 'de', timeZone: 'Europe/Berlin' }, nowMs);
    expect(plain(german.money(1_234.5))).toBe('1.234,50 $');
    expect(plain(german.percent(80))).toBe('80 %');
    expect(german.when('2026-11-22T23:30:00.000Z')).toBe('23. Nov. 2026, 00:30 MEZ');
    expect(createFormats({ locale: 'en_GB', timeZone: 'America/New_York' }, nowMs).when('2026-11-22T12:00:00.000Z')).toContain(
      '22 Nov 2026',
    );
    expect(toBudget(1_000_000, formats)).toBe('$1,000,000 a month');
    expect(toBudget(1_000_000, createFormats({ locale: 'en-IN' }, nowMs))).toBe('$10,00,000 a month');
  });

  it.each([{}, { locale: '', timeZone: '' }, { locale: 'not a locale', timeZone: 'Mars/Olympus' }])(
    'fall back where a host says %j',
    (place) => {
      const fallen = createFormats(place, nowMs);
      expect(fallen.money(3.2)).toBe('$3.20');
      expect(plain(fallen.when('2026-11-22T12:00:00.000Z'))).toBe('Nov 22, 2026, 12:00 PM UTC');
    },
  );

  it('follow what the event says of locale and time zone, on the first card and on every click', () => {
    const place = { userLocale: 'de', timeZone: { id: 'Asia/Tokyo', offset: '32400000' } };
    const { host } = createHost(working());
    expect(plain(textOf(answerHomepage(host, { commonEventObject: place })))).toContain('25 $');
    const event = eventOf('openUser', { user: '1007' });
    const card = plain(textOf(answerAction(host, { commonEventObject: { ...event.commonEventObject, ...place } })));
    expect(card).toContain('22. Nov. 2026, 20:59');
    expect(card).toContain('3,20 $ of 200 $ a month');
  });
});
