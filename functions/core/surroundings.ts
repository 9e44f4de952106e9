/** What the core may use of the world. All of it is handed in, so that a simulation can own time, chance and cryptography. */
export interface Clock {
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** A signal that aborts after so many milliseconds. */
  deadline(ms: number): AbortSignal;
}

export interface Hashing {
  /** SHA-256 of UTF-8 text as lower-case hex. */
  sha256(text: string): string;
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
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/** JSON with sorted keys and without undefined members: the same value gives the same text everywhere. */
export function canonical(value: Json | undefined): string {
  if (value === undefined) return 'null';
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonical).join(',')}]`;
  const record = value as { readonly [key: string]: Json | undefined };
  const keys = Object.keys(record).filter((key) => record[key] !== undefined);
  return `{${keys
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(record[key])}`)
    .join(',')}}`;
}
