/** What a person wrote in an answer, without the mail it answers and without a signature. */

const isQuote = (line: string): boolean => /^\s*>/.test(line);
const isEmpty = (line: string): boolean => line.trim() === '';

/** What Outlook and its like put above the mail that they quote without marking it. */
const divider = /^\s*(-{2,}\s*(original message|ursprüngliche nachricht|message d'origine|mensaje original)\s*-{2,}|_{20,})\s*$/i;
const headerLine = /^\s*\*?(from|von|de|da|van|från)\*?:\s.*\S/i;
const secondHeaderLine = /^\s*\*?(sent|date|gesendet|datum|envoyé|enviado|fecha|to|an|à|para)\*?:\s/i;

/** How many lines an attribution such as `On … Alice wrote:` is folded over at most. */
const longestAttribution = 4;

function startOfHeaderBlock(lines: readonly string[]): number {
  const at = lines.findIndex((line, index) => {
    if (divider.test(line)) return lines.slice(index + 1, index + 4).some((next) => headerLine.test(next));
    return headerLine.test(line) && lines.slice(index + 1, index + 3).some((next) => secondHeaderLine.test(next));
  });
  return at === -1 ? lines.length : at;
}

/** Where the quotation begins that a mail ends with, its attribution included; answers between quotations keep them. */
function startOfLastQuotation(lines: readonly string[]): number {
  let at = lines.length;
  while (at > 0 && (isQuote(lines[at - 1] ?? '') || isEmpty(lines[at - 1] ?? ''))) at -= 1;
  if (!lines.slice(at).some(isQuote)) return lines.length;
  const last = lines[at - 1] ?? '';
  if (!/:\s*$/.test(last)) return at;
  for (let above = at - 1; above >= Math.max(0, at - longestAttribution) && !isEmpty(lines[above] ?? ''); above -= 1)
    if (/^\s*(on|am|le|el|il|op|den|em)\s.*\d/i.test(lines[above] ?? '')) return above;
  return /@|\d/.test(last) ? at - 1 : at;
}

/** An answer without the history below it. What is quotation alone comes back whole, so that nothing is lost. */
export function withoutQuotation(text: string): string {
  const all = text.replaceAll(/\r\n?/g, '\n').split('\n');
  const lines = all.slice(0, startOfHeaderBlock(all));
  const own = lines.slice(0, startOfLastQuotation(lines));
  const signature = own.findIndex((line) => line === '-- ');
  const kept = (signature > 0 ? own.slice(0, signature) : own).join('\n').trim();
  return kept === '' ? text.trim() : kept;
}
