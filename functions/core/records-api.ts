/* What calls of the API leave behind for other calls. Times are milliseconds since 1970, UTC. */

/** A mutation that carried an `Idempotency-Key`, and what it came to. Written by the API alone. */
export interface IdempotencyRecord {
  readonly id: string;
  /** SHA-256 over what was asked, lower-case hex: the same key may not stand for something else. */
  readonly digest: string;
  readonly state: 'running' | 'done';
  /** Names the one call that may finish it. */
  readonly holder: string;
  /** While it runs: past this, its process is taken for dead and a repeat does it again. */
  readonly until: number;
  readonly answer?: { readonly status: number; readonly body: string; readonly etag?: string };
  readonly expiresAt: number;
}

/** Somebody is writing an admin's wishes for a user to the directory; others wait. Absent where nobody is. */
export interface WishRecord {
  readonly userId: string;
  readonly holder: string;
  /** Past this, its process is taken for dead. */
  readonly until: number;
}
