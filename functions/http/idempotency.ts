import { PlaneError } from '../core/errors.ts';
import type { Actor, IdempotencyRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import { canonical, type Clock, type Ctx, type Hashing, type Json } from '../core/surroundings.ts';

export interface IdempotencyDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly random: () => string;
  /** How long a call may run; past it and a little more its process is taken for dead. In milliseconds. */
  readonly callMs: number;
}

export interface Asked {
  readonly key: string;
  readonly actor: Actor;
  readonly operation: string;
  /** All that the call says, without the key. */
  readonly input: Json;
}

export type KeptAnswer = NonNullable<IdempotencyRecord['answer']>;

/** How long a key stands for its answer. */
const keptMs = 24 * 3_600_000;
const graceMs = 5_000;
const mostAtOnce = 200;

/** The key of draft-ietf-httpapi-idempotency-key-header, in quotes as it says or without; `undefined` where there is none. */
export function readKey(header: string | null): string | undefined {
  if (header === null) return undefined;
  const key = /^\s*"?([\x21\x23-\x7e]{1,200})"?\s*$/.exec(header)?.[1];
  if (key !== undefined) return key;
  const problems = [{ path: 'Idempotency-Key', found: header.slice(0, 60), allowed: '1 to 200 visible characters, such as a UUID' }];
  throw new PlaneError('invalid', 'cannot accept Idempotency-Key: send 1 to 200 visible characters, such as a UUID', { problems });
}

/**
 * Does a mutation once for its key, by whatever process and however often it is sent. A repeat answers as the first did; one that comes
 * while the first still runs waits for it. What failed is forgotten, so that a repeat tries again; what a crash cut off, too.
 */
export function createIdempotency({ store, clock, hashing, random, callMs }: IdempotencyDeps) {
  async function begin(id: string, digest: string, holder: string): Promise<IdempotencyRecord | undefined> {
    return store.transact(async (tx) => {
      const known = await tx.get('idempotency', id);
      const now = clock.now();
      const alive = known && known.expiresAt > now && (known.state === 'done' || known.until > now);
      if (alive) return known;
      tx.set('idempotency', id, { id, digest, holder, state: 'running', until: now + callMs + graceMs, expiresAt: now + keptMs });
      return undefined;
    });
  }

  /** Writes what it came to, or forgets it, unless another has taken over. */
  async function end(id: string, holder: string, answer?: KeptAnswer): Promise<void> {
    await store.transact(async (tx) => {
      const current = await tx.get('idempotency', id);
      if (current?.holder !== holder || current.state === 'done') return;
      if (answer) tx.set('idempotency', id, { ...current, state: 'done', answer });
      else tx.delete('idempotency', id);
    });
  }

  async function once({ key, actor, operation, input }: Asked, work: () => Promise<KeptAnswer>, ctx: Ctx) {
    const id = hashing.sha256(canonical([actor.kind, actor.id, operation, key]));
    const digest = hashing.sha256(canonical(input));
    const holder = random();
    for (;;) {
      const known = await begin(id, digest, holder);
      if (!known) break;
      if (known.digest !== digest) {
        throw new PlaneError('unprocessable', `cannot take this Idempotency-Key again: it came with another request before; use a new key`);
      }
      if (known.answer) return { answer: known.answer, replayed: true };
      await store.changed('idempotency', id, known, AbortSignal.any([ctx.signal, clock.deadline(Math.max(1, known.until - clock.now()))]));
      if (ctx.signal.aborted) {
        throw new PlaneError(
          'conflict',
          'cannot answer yet: the first call with this Idempotency-Key still runs; send it again in a moment',
        );
      }
    }
    try {
      const answer = await work();
      await end(id, holder, answer);
      return { answer, replayed: false };
    } catch (error) {
      // Where this fails too, the record lapses by itself.
      await end(id, holder).catch(() => undefined);
      throw error;
    }
  }

  /** Forgets what has expired; answers whether there may be more. */
  async function clear(): Promise<boolean> {
    const old = await store.query('idempotency', 'byExpiry', { before: clock.now(), limit: mostAtOnce });
    for (const { id } of old) {
      await store.transact(async (tx) => {
        const record = await tx.get('idempotency', id);
        if (record && record.expiresAt < clock.now()) tx.delete('idempotency', id);
      });
    }
    return old.length === mostAtOnce;
  }

  return { once, clear };
}
export type Idempotency = ReturnType<typeof createIdempotency>;
