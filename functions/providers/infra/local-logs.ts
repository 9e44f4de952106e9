import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { isMissing } from './system-error.ts';

/** How much of a file's end is read, in bytes. */
const endBytes = 256 * 1024;

function readEnd(path: string): string[] {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  try {
    const { size } = fstatSync(file);
    const start = Math.max(0, size - endBytes);
    const end = Buffer.alloc(size - start);
    const read = readSync(file, end, 0, end.length, start);
    const lines = end.subarray(0, read).toString().split('\n');
    return (start > 0 ? lines.slice(1) : lines).filter((line) => line !== '');
  } finally {
    closeSync(file);
  }
}

/** The last lines of several files in the order of the times they begin with; a line without one keeps its place behind the line before. */
export function readLastLines(paths: readonly string[], count: number): string[] {
  const timed = paths.flatMap((path) => {
    let at = '';
    return readEnd(path).map((line) => {
      at = /^\d{4}-\d{2}-\d{2}T[\d:.]+/.exec(line)?.[0] ?? at;
      return { at, line };
    });
  });
  timed.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return count > 0 ? timed.slice(-count).map(({ line }) => line) : [];
}
