import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { contract } from '../../shared/contract.ts';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import { toRefusal } from '../client.ts';
import { command } from './command.ts';
import { text } from './flags.ts';
import { plane } from './said.ts';

const longestMs = 3_600_000;

export const auditExport = command({
  path: 'audit export',
  summary: 'write every chain with its signed checkpoints as JSON lines, for `planes audit verify <file>`',
  argument: { spec: '[file]', description: 'where to; standard output unless said' },
  flags: { plane, file: text('--file <file>', 'the same as the argument') },
  async run({ endpoint, output, say, planeOf }, { plane: named, file: flag }, argument) {
    const [{ url, token }, planeId, file] = [await endpoint(), await planeOf(named), argument ?? flag];
    const asked = new URL(contract.exportAudit.path.replace('{planeId}', planeId), url);
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(asked, { headers, signal: AbortSignal.timeout(longestMs) }).catch((cause: unknown) => {
      throw new PlaneError('unavailable', `cannot reach the plane at ${url}: ${toMessage(cause)}`, { cause });
    });
    if (!answer.ok || !answer.body) throw toRefusal(`export the audit log of ${planeId}`, answer.status, await answer.text());
    const lines = Readable.from(answer.body);
    if (file !== undefined) {
      await pipeline(lines, createWriteStream(file, { mode: 0o600 }));
      say(`${file} holds the audit log of ${planeId}. To check it without the plane: planes audit verify ${file} --key <file>`);
      return;
    }
    const decoder = new TextDecoder();
    for await (const chunk of lines as AsyncIterable<Uint8Array>) output.write(decoder.decode(chunk, { stream: true }));
    output.write(decoder.decode());
  },
});
