import { DirectoryError } from './answers.ts';

/** What a `fields` parameter keeps: names with what is kept below them, `true` for all of it. */
type Mask = Map<string, Mask | true>;

/** Applies Google's `fields` parameter, such as `nextPageToken,users(id,name/fullName)`, to an answer. */
export function selectFields(answer: unknown, fields: string): unknown {
  const rest = { text: fields, at: 0 };
  const mask = readMask(rest);
  if (rest.at < fields.length) throw refusal(fields);
  return keep(answer, mask);
}

const refusal = (fields: string) => new DirectoryError('invalidParameter', `Invalid field selection ${fields}`);

function readMask(rest: { text: string; at: number }): Mask {
  const mask: Mask = new Map();
  do {
    const path = /[\w*/-]+/y;
    path.lastIndex = rest.at;
    const names = path.exec(rest.text)?.[0].split('/').filter(Boolean);
    if (!names?.length) throw refusal(rest.text);
    rest.at = path.lastIndex;
    let below: Mask | true = true;
    if (rest.text[rest.at] === '(') {
      rest.at += 1;
      below = readMask(rest);
      if (rest.text[rest.at] !== ')') throw refusal(rest.text);
      rest.at += 1;
    }
    merge(mask, names, below);
  } while (rest.text[rest.at] === ',' && (rest.at += 1));
  return mask;
}

function merge(mask: Mask, [name = '', ...names]: string[], below: Mask | true): void {
  const known = mask.get(name);
  if (known === true) return;
  if (names.length === 0) {
    if (below === true) mask.set(name, true);
    else mask.set(name, new Map([...(known ?? []), ...below]));
    return;
  }
  const inner: Mask = known ?? new Map<string, Mask | true>();
  mask.set(name, inner);
  merge(inner, names, below);
}

function keep(value: unknown, mask: Mask): unknown {
  if (Array.isArray(value)) return value.map((item) => keep(item, mask));
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).flatMap(([name, inner]): [string, unknown][] => {
    const below = mask.get(name) ?? mask.get('*');
    if (!below) return [];
    return [[name, below === true ? inner : keep(inner, below)]];
  });
  return Object.fromEntries(kept);
}
