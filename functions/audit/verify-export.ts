import { Buffer, isUtf8 } from 'node:buffer';
import { createAuditCheck, type ChainFault, type Verification, type Verifier } from '../core/audit-verify.ts';
import type { Hashing } from '../core/surroundings.ts';
import { isSignedEnd, parseLine, type ExportHeader, type ExportLine } from './export.ts';

export interface ExportVerification extends Verification {
  /** As the export says itself; absent where its first line cannot be read. */
  readonly header?: ExportHeader;
}

/** Bytes as lines without their line breaks. A line that is no UTF-8 comes as one that is no JSON either. */
export async function* toLines(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<string> {
  const decode = (bytes: Uint8Array): string => (isUtf8(bytes) ? Buffer.from(bytes).toString() : '(no UTF-8)');
  let rest: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      yield decode(Buffer.concat([...rest, chunk.subarray(from, at)]));
      rest = [];
      from = at + 1;
    }
    if (from < chunk.length) rest.push(chunk.slice(from));
  }
  if (rest.length > 0) yield `${decode(Buffer.concat(rest))} (cut)`;
}

/**
 * Checks an export without any plane: every changed byte, missing line, missing chain and forged signature is found, and its chain and
 * row are named. `verifierOf` answers the key to trust; the one in the header is only what the file says of itself.
 */
export async function verifyExport(
  lines: AsyncIterable<string>,
  verifierOf: (header: ExportHeader) => Verifier,
  hashing: Hashing,
): Promise<ExportVerification> {
  const faults: ChainFault[] = [];
  const blame = (line: number, fault: string): void => void faults.push({ chain: 'export', seq: line, fault });
  let opened:
    { readonly header: ExportHeader; readonly verifier: Verifier; readonly trail: ReturnType<typeof createAuditCheck> } | undefined;
  let [count, digest, first, ended] = [0, '', '', false];

  function checkEnd({ end }: Extract<ExportLine, { end: unknown }>): void {
    ended = true;
    if (!opened || !isSignedEnd(end, opened.verifier)) return blame(count, 'the last line does not match its signature');
    if (end.header !== first || end.planeId !== opened.header.planeId) blame(1, 'the first line is not the one that was signed');
    else if (end.digest !== digest || end.lines !== count - 1) blame(count, `the lines before are not the ${end.lines} that were signed`);
  }

  for await (const text of lines) {
    count += 1;
    const line = parseLine(text);
    if (ended) blame(count, 'comes after the last line');
    else if (!line) blame(count, 'cannot be read');
    else if ('header' in line) {
      if (count > 1) blame(count, 'is a first line');
      else {
        const verifier = verifierOf(line.header);
        opened = { header: line.header, verifier, trail: createAuditCheck(line.header.planeId, hashing, verifier) };
        if (line.header.keyId !== verifier.keyId)
          blame(1, `signed with key ${line.header.keyId}; the key to check it with is ${verifier.keyId}`);
      }
    } else if ('end' in line) checkEnd(line);
    else if (opened) opened.trail.check(line);
    digest = hashing.sha256(digest + text);
    if (count === 1) first = digest;
  }
  if (!opened) blame(1, 'is no first line of an audit export');
  if (!ended) blame(count, 'the last line is missing: the export is cut');
  const found = opened?.trail.finish() ?? { chains: 0, rows: 0, checkpoints: 0, faults: [] };
  return { ...found, ...(opened ? { header: opened.header } : {}), faults: [...found.faults, ...faults] };
}
