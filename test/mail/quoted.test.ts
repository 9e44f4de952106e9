import { withoutQuotation } from '../../functions/mail/quoted.ts';

const cases: readonly (readonly [string, string, string])[] = [
  ['Gmail', 'Yes please.\n\nOn Fri, Jan 2, 2026 at 9:00 AM Ada <agents+a@acme.test> wrote:\n\n> Shall I?\n> Tell me.\n', 'Yes please.'],
  ['Gmail, folded', 'Yes.\n\nOn Fri, Jan 2, 2026 at 9:00 AM Ada <\nagents+aaaaaaaaaaaaaaaa@acme.test> wrote:\n\n> Shall I?\n', 'Yes.'],
  ['Gmail in German', 'Ja.\n\nAm Fr., 2. Jan. 2026 um 09:00 Uhr schrieb Ada <a@acme.test>:\n\n> Soll ich?\n', 'Ja.'],
  ['Gmail in French', 'Oui.\n\nLe ven. 2 janv. 2026 à 09:00, Ada <a@acme.test> a écrit :\n\n> Je peux ?', 'Oui.'],
  [
    'Outlook',
    'Yes.\n\n________________________________\nFrom: Ada <a@acme.test>\nSent: Friday\nTo: Alice\nSubject: Hi\n\nShall I?',
    'Yes.',
  ],
  ['Outlook of old', 'Yes.\n\n-----Original Message-----\nFrom: Ada\nSent: Friday\n\nShall I?', 'Yes.'],
  ['Outlook without a line', 'Yes.\n\nFrom: Ada <a@acme.test>\nSent: Friday\nTo: Alice\n\nShall I?', 'Yes.'],
  ['a signature', 'Yes.\n-- \nAlice\nAcme', 'Yes.'],
  ['answers between quotations', '> First?\nYes.\n> Second?\nNo.\n', '> First?\nYes.\n> Second?\nNo.'],
  ['a word that looks like a header', 'From: here on we go up.\nAnd then?', 'From: here on we go up.\nAnd then?'],
  ['a list with a colon above', 'I need:\n- milk\n- bread', 'I need:\n- milk\n- bread'],
  ['words that end in a colon above a quotation', 'What about this\n\nthe plan:\n> Ship it', 'What about this\n\nthe plan:'],
  ['nothing but a quotation', '> Shall I?\n', '> Shall I?'],
];

describe('an answer by mail', () => {
  it.each(cases)('keeps what its writer said: %s', (_program, text, own) => {
    expect(withoutQuotation(text)).toBe(own);
    expect(withoutQuotation(text.replaceAll('\n', '\r\n'))).toBe(own);
  });

  it('is read quickly, whatever it holds', () => {
    const began = performance.now();
    for (const text of ['>'.repeat(200_000), 'On 1 '.repeat(40_000), '\n'.repeat(200_000), `${'a: b\n'.repeat(40_000)}>`])
      withoutQuotation(text);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
