import { createHash } from 'node:crypto';
import { Decrypter, Encrypter, identityToRecipient } from 'age-encryption';

type Bytes = AsyncIterable<Uint8Array>;

/** Streams in the age format (age-encryption.org/v1), encrypted to the plane's own X25519 key; 64 KiB are held at a time. */
export interface Encryption {
  /** The public half, `age1…`. */
  recipient(): Promise<string>;
  encrypt(plain: Bytes): Promise<Bytes>;
  /**
   * The plain bytes, each only after its chunk was authenticated. Rejects when the header is broken or meant for another key; the
   * stream throws at a chunk that is changed, missing or too much. Age says nothing of who encrypted.
   */
  decrypt(stored: Bytes): Promise<Bytes>;
}

/** A stream that asks for each chunk only when it is wanted, and lets go of its source when it is cancelled. */
export function toStream(bytes: Bytes): ReadableStream<Uint8Array> {
  const source = bytes[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await source.next();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
      async cancel() {
        await source.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

export function createEncryption(identity: string): Encryption {
  let known: Promise<string> | undefined;
  const recipient = (): Promise<string> => (known ??= identityToRecipient(identity));
  return {
    recipient,
    async encrypt(plain) {
      const encrypter = new Encrypter();
      encrypter.addRecipient(await recipient());
      return encrypter.encrypt(toStream(plain));
    },
    async decrypt(stored) {
      const decrypter = new Decrypter();
      decrypter.addIdentity(identity);
      return decrypter.decrypt(toStream(stored));
    },
  };
}

/** Counts and hashes what passes. */
export function createMeter() {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    bytes: (): number => bytes,
    /** Lower-case hex; ends the meter. */
    sha256: (): string => hash.digest('hex'),
    async *through(source: Bytes): AsyncGenerator<Uint8Array> {
      for await (const chunk of source) {
        bytes += chunk.length;
        hash.update(chunk);
        yield chunk;
      }
    },
  };
}

/** Passes bytes on but for the last chunk, which waits until all of them have the hash; else throws what `wrong` makes. */
export async function* untilHashed(source: Bytes, sha256: string, wrong: () => Error): AsyncGenerator<Uint8Array> {
  const meter = createMeter();
  let held: Uint8Array | undefined;
  for await (const chunk of meter.through(source)) {
    if (held) yield held;
    held = chunk;
  }
  if (meter.sha256() !== sha256) throw wrong();
  if (held) yield held;
}
