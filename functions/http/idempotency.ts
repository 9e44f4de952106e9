import { PlaneError } from '../core/errors.ts';
import type { Actor, IdempotencyRecord } from '../core/records.ts';
import type { Sent } from '../core/sent.ts';
import type { Store, Transaction } from '../core/store.ts';
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

type Effects = NonNullable<IdempotencyRecord['effects']>;

/**
 * Does a mutation once for its key, by whatever process and however often it is sent. A repeat answers as the first did; one that comes
 * while the first still runs waits for it. What failed, or was cut off by a crash, goes on when it is sent again: the effects that were
 * kept with the key are not had a second time.
 */
export function createIdempotency({ store, clock, hashing, random, callMs }: IdempotencyDeps) {
  /** What is known of the key, where somebody else has it; else what was done under it before. */
  async function begin(id: string, digest: string, holder: string): Promise<{ known: IdempotencyRecord } | { effects: Effects }> {
    return store.transact(async (tx) => {
      const found = await tx.get('idempotency', id);
      const now = clock.now();
      const known = found && found.expiresAt > now ? found : undefined;
      if (known && (known.state === 'done' || known.until > now || (known.effects && known.digest !== digest))) return { known };
      const effects = known?.effects ?? [];
      const until = now + callMs + graceMs;
      tx.set('idempotency', id, { id, digest, holder, state: 'running', until, effects, expiresAt: now + keptMs });
      return { effects };
    });
  }

  /** Writes what it came to, or lets a repeat try, unless another has taken over. */
  async function end(id: string, holder: string, answer?: KeptAnswer): Promise<void> {
    await store.transact(async (tx) => {
      const current = await tx.get('idempotency', id);
      if (current?.holder !== holder || current.state === 'done') return;
      const { effects = [], ...record } = current;
      if (answer) tx.set('idempotency', id, { ...record, state: 'done', answer });
      else if (effects.length > 0) tx.set('idempotency', id, { ...record, effects, until: clock.now() });
      else tx.delete('idempotency', id);
    });
  }

  /** Runs the work of a transaction unless its result is kept already; who was taken for dead meanwhile does nothing any more. */
  function keeping<T>(id: string, holder: string, name: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return store.transact(async (tx) => {
      const record = await tx.get('idempotency', id);
      const effects = record?.effects ?? [];
      const kept = effects.find((effect) => effect.name === name);
      if (kept) return (kept.result === undefined ? undefined : JSON.parse(kept.result)) as T;
      if (record?.holder !== holder) {
        throw new PlaneError('conflict', 'cannot go on: another call with this Idempotency-Key has taken over; send it again in a moment');
      }
      const result = await work(tx);
      const said = result === undefined ? {} : { result: JSON.stringify(result) };
      tx.set('idempotency', id, { ...record, effects: [...effects, { name, ...said }] });
      return result;
    });
  }

  function createSent(id: string, holder: string, begun: boolean): Sent {
    let asked = 0;
    return {
      begun,
      once(name) {
        let nth = 0;
        return { ...store, transact: (work) => keeping(id, holder, `${name} ${(nth += 1)}`, work) };
      },
      random: () => hashing.sha256(`${id} ${(asked += 1)}`).slice(0, 32),
    };
  }

  async function once({ key, actor, operation, input }: Asked, work: (sent: Sent) => Promise<KeptAnswer>, ctx: Ctx) {
    const id = hashing.sha256(canonical([actor.kind, actor.id, operation, key]));
    const digest = hashing.sha256(canonical(input));
    const holder = random();
    let begun: boolean;
    for (;;) {
      const found = await begin(id, digest, holder);
      if (!('known' in found)) {
        begun = found.effects.length > 0;
        break;
      }
      const { known } = found;
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
      const answer = await work(createSent(id, holder, begun));
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
