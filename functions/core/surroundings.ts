/** What the core may use of the world. All of it is handed in, so that a simulation can own time, chance and cryptography. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** A signal that aborts after so many milliseconds. */
  deadline(ms: number): AbortSignal;
}

export interface Hashing {
  /** SHA-256 of UTF-8 text as lower-case hex. */
  readonly sha256: (text: string) => string;
}

export interface Signer {
  /** Names the key in what it signed. */
  readonly keyId: string;
  /** Ed25519 over UTF-8 text, base64url. */
  sign(text: string): string;
  verify(text: string, signature: string): boolean;
}

export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** The trailing argument of every provider verb. */
export interface Ctx {
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Set where somebody's access may hang on the answer: quotas keep a share for these. */
  readonly urgent?: boolean;
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/** A copy whose keys come in an order of their own. Without a prototype, so that no key has a meaning. */
function sorted(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(sorted);
  const record = value as { readonly [key: string]: Json | undefined };
  const copy = Object.create(null) as Record<string, Json>;
  for (const key of Object.keys(record).sort()) {
    const member = record[key];
    if (member !== undefined) copy[key] = sorted(member);
  }
  return copy;
}

/** JSON with sorted keys and without undefined members: the same value gives the same text everywhere. */
export const canonical = (value: Json | undefined): string => (value === undefined ? 'null' : JSON.stringify(sorted(value)));
