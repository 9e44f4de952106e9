import { PlaneError } from '../../functions/core/errors.ts';

/** One `--flag` of a command: how it is written, what it means and how its text becomes a value. */
export interface Flag<T> {
  /** As commander takes it: `--plane <name>`. */
  readonly flags: string;
  readonly description: string;
  readonly required: boolean;
  readonly fallback?: T;
  /** For completion. */
  readonly choices?: readonly string[];
  /** `before`: what the same flag already said; throws `invalid`. */
  read?: (this: void, text: string, before: unknown) => T;
}

export type Flags = Readonly<Record<string, Flag<unknown>>>;
export type Values<F extends Flags> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

const refuse = (allowed: string): never => {
  throw new PlaneError('invalid', `allowed: ${allowed}`);
};

export const on = (flags: string, description: string): Flag<boolean> => ({ flags, description, required: false, fallback: false });
export const text = (flags: string, description: string): Flag<string | undefined> => ({ flags, description, required: false });
export const needed = (flags: string, description: string): Flag<string> => ({ flags, description, required: true });

const readChoice = <C extends string>(choices: readonly C[], said: string): C =>
  choices.find((choice) => choice === said) ?? refuse(choices.join(', '));

export const choice = <C extends string>(flags: string, description: string, choices: readonly C[]): Flag<C | undefined> => ({
  ...{ flags, choices, required: false, description: `${description} (${choices.join(', ')})` },
  read: (said) => readChoice(choices, said),
});

export const whole = (flags: string, description: string, from: number, to: number): Flag<number | undefined> => ({
  ...{ flags, description, required: false },
  read(said) {
    const value = Number(said);
    return /^\d+$/.test(said) && value >= from && value <= to ? value : refuse(`a whole number from ${from} to ${to}`);
  },
});

/** `exec,github`, or the flag more than once; the empty text is the empty list. */
export const list = <C extends string = string>(
  flags: string,
  description: string,
  choices?: readonly C[],
): Flag<readonly C[] | undefined> => ({
  ...{ flags, required: false, description: choices ? `${description} (of ${choices.join(', ')})` : description },
  ...(choices ? { choices } : {}),
  read(said, before) {
    const items = said.split(',').map((item) => item.trim());
    const known = items.filter((item) => item !== '').map((item) => (choices ? readChoice(choices, item) : (item as C)));
    return [...(Array.isArray(before) ? (before as C[]) : []), ...known];
  },
});
