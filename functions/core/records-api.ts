/* What calls of the API leave behind for other calls. Times are milliseconds since 1970, UTC. */

import type { Json } from './surroundings.ts';

/** A mutation that carried an `Idempotency-Key`, and what it came to. Written by the API alone. */
export interface IdempotencyRecord {
  readonly id: string;
  /** SHA-256 over what was asked, lower-case hex: the same key may not stand for something else. */
  readonly digest: string;
  readonly state: 'running' | 'done';
  /** Names the one call that may finish it. */
  readonly holder: string;
  /** While it runs: past this, its process is taken for dead and a repeat goes on where it was. */
  readonly until: number;
  /** What it has done so far, each written in the transaction that did it; `result` is JSON, absent where there was none. */
  readonly effects?: readonly { readonly name: string; readonly result?: string }[];
  readonly answer?: { readonly status: number; readonly body: string; readonly etag?: string };
  readonly expiresAt: number;
}

/** An admin's latest wishes for a user. While they are being written to the directory, others wait. */
export interface WishRecord {
  readonly userId: string;
  readonly holder: string;
  /** Past this, its process is taken for dead; 0 once nobody writes. */
  readonly until: number;
  /** Who asked for what, and when, so that the look which takes it in can name them. */
  readonly asked?: { readonly by: string; readonly wishes: Json; readonly at: number };
}
