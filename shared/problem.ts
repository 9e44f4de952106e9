import type { z } from 'zod';

/** One thing wrong with what a person gave us: where, what was found, what is allowed. */
export interface Problem {
  readonly path: string;
  readonly found: string;
  readonly allowed: string;
}

export const toSentence = ({ path, found, allowed }: Problem): string => `${path}: found ${found}; allowed: ${allowed}`;

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

const toPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, key) => (typeof key === 'number' ? `${text}[${String(key)}]` : `${text}${text && '.'}${String(key)}`), '') ||
  '(document)';

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** `haiku, sonnet or opus`. */
export const toChoice = (items: readonly string[], word: 'and' | 'or' = 'or'): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} ${word} ${items.at(-1) ?? ''}`;

/** Turns what zod found into problems, each with its path, the value found and what is allowed there. */
export function toProblems(error: z.ZodError, input: unknown): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const path = toPath(issue.path);
    const found = show(valueAt(input, issue.path));
    switch (issue.code) {
      case 'unrecognized_keys':
        return issue.keys.map((key) => ({
          path: toPath([...issue.path, key]),
          found: 'an unknown key',
          allowed: 'only the keys of the schema',
        }));
      case 'invalid_value':
        return [{ path, found, allowed: toChoice(issue.values.map(String)) }];
      case 'invalid_type':
        return [{ path, found, allowed: issue.expected === 'int' ? 'a whole number' : `a value of type ${issue.expected}` }];
      case 'too_small':
        return [{ path, found, allowed: `${issue.origin === 'string' ? 'a length of ' : ''}at least ${String(issue.minimum)}` }];
      case 'too_big':
        return [{ path, found, allowed: `${issue.origin === 'string' ? 'a length of ' : ''}at most ${String(issue.maximum)}` }];
      default:
        return [{ path, found, allowed: issue.message }];
    }
  });
}
