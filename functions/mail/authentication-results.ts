/** What a mail server says it found about a mail (RFC 8601): one result per method that it ran. */
export interface AuthenticationResults {
  /** The server's name for itself, in lower case. */
  readonly authservId: string;
  readonly results: readonly MethodResult[];
}

export interface MethodResult {
  readonly method: string;
  readonly result: string;
  /** `header.from` → `acme.test`; keys and values in lower case. */
  readonly properties: Readonly<Record<string, string>>;
}

/** More than any server writes; what is longer is not read. */
const longestHeader = 8_192;

/**
 * Splits the value of a header at `;`, without comments. Comments nest and may hold `;` and quotes, quoted strings may hold
 * parentheses: so a character at a time. `undefined` where one of them never ends.
 */
function toClauses(value: string): string[] | undefined {
  const clauses: string[] = [];
  let [clause, depth, quoted] = ['', 0, false];
  for (let at = 0; at < value.length; at += 1) {
    const char = value.charAt(at);
    if (char === '\\' && (quoted || depth > 0)) {
      at += 1;
      if (quoted) clause += value.charAt(at);
    } else if (quoted) {
      if (char === '"') quoted = false;
      else clause += char;
    } else if (char === '(') depth += 1;
    else if (char === ')') {
      if (depth === 0) return undefined;
      depth -= 1;
      clause += ' ';
    } else if (depth > 0) continue;
    else if (char === '"') quoted = true;
    else if (char === ';') {
      clauses.push(clause);
      clause = '';
    } else clause += char;
  }
  return depth > 0 || quoted ? undefined : [...clauses, clause];
}

/** Reads the value of an `Authentication-Results` header; `undefined` unless it is one. */
export function parseAuthenticationResults(value: string): AuthenticationResults | undefined {
  if (value.length > longestHeader) return undefined;
  const [head, ...rest] = toClauses(value) ?? [];
  const [authservId, version, ...more] = (head ?? '').trim().toLowerCase().split(/\s+/);
  if (!authservId || more.length > 0 || (version !== undefined && version !== '1')) return undefined;
  const results = rest.flatMap((clause): MethodResult[] => {
    const [first, ...pairs] = clause
      .replaceAll(/\s*=\s*/g, '=')
      .trim()
      .toLowerCase()
      .split(/\s+/)
      .map((pair) => /^([^=]+)=(.*)$/.exec(pair)?.slice(1) ?? []);
    const [method, result] = first ?? [];
    if (!method || result === undefined) return [];
    const properties = Object.fromEntries(pairs.flatMap(([key, found]) => (key === undefined ? [] : [[key, found ?? '']])));
    return [{ method: method.replace(/\/.*$/, ''), result, properties }];
  });
  return { authservId, results };
}

export type SenderProof = 'proven' | 'noResults' | 'dmarcFailed' | 'notAligned';

/**
 * Whether our own receiving server found that the domain in `From` stands behind a mail. Of the headers, topmost first, only the
 * first one under that server's name counts: servers write above what they were sent, and must remove what bears their own name
 * (RFC 8601 §5), so everything below it, or under another name, is the sender's word.
 */
export function proveSender(headers: readonly string[], authservId: string, fromDomain: string): SenderProof {
  const ours = headers
    .map(parseAuthenticationResults)
    .find((found) => found !== undefined && found.authservId === authservId.toLowerCase());
  if (!ours) return 'noResults';
  const dmarc = ours.results.filter(({ method }) => method === 'dmarc');
  const [verdict] = dmarc;
  if (!verdict) return 'noResults';
  if (dmarc.length > 1 || verdict.result !== 'pass') return 'dmarcFailed';
  return verdict.properties['header.from'] === fromDomain.toLowerCase() ? 'proven' : 'notAligned';
}
