import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { isMissing } from '../../functions/providers/infra/system-error.ts';

/** What is read at once at most, in bytes: of a log that grew by more, the end. */
const mostBytes = 1024 * 1024;

/** Counts how often a word has come to a log since this began; each call looks at what is new. A log may be cut short. */
export function followLog(path: string, word: string): () => number {
  let at: number | undefined;
  let count = 0;

  function readNew(): string {
    let file: number;
    try {
      file = openSync(path, 'r');
    } catch (error) {
      if (!isMissing(error)) throw error;
      at = 0;
      return '';
    }
    try {
      const { size } = fstatSync(file);
      const from = Math.max(at === undefined ? size : at > size ? 0 : at, size - mostBytes);
      at = size;
      const bytes = Buffer.alloc(size - from);
      return bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, from));
    } finally {
      closeSync(file);
    }
  }
  readNew();

  return () => {
    // A word that is cut in two at the end of what is read is missed: it counts, and no more than counts.
    count += readNew().split(word).length - 1;
    return count;
  };
}
