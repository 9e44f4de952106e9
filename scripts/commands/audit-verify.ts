import { createReadStream } from 'node:fs';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import { toLines, verifyExport } from '../../functions/audit/verify-export.ts';
import { hasCode } from '../../functions/files.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { keyFlag, readKey } from './audit-key.ts';
import { command } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { show } from './output.ts';
import { plane } from './said.ts';

interface Checked {
  readonly chains: number;
  readonly rows: number;
  readonly checkpoints: number;
  readonly faults: readonly { readonly chain: string; readonly seq: number; readonly fault: string }[];
}

const toText = ({ chains, rows, checkpoints, faults }: Checked): string =>
  faults.length === 0
    ? `${rows} rows in ${chains} chains, ${checkpoints} signed checkpoints: every row is as it was written.`
    : `Broken: ${faults.length} faults in ${chains} chains:\n${faults.map(({ chain, seq, fault }) => `  ${chain} row ${seq}: ${fault}`).join('\n')}`;

export const auditVerify = command({
  path: 'audit verify',
  summary: 'check every hash chain and signed checkpoint: of the plane, or of an export without it',
  argument: { spec: '[file]', description: 'what `planes audit export` wrote' },
  flags: { plane, key: keyFlag },
  examples: ['planes audit verify', 'planes audit verify export.ndjson --key audit.pem'],
  async run(call, { plane: named, key }, file) {
    const { client, output } = call;
    let answer: Checked;
    if (file === undefined) {
      answer = await client('verifyAudit', { params: { planeId: await call.planeOf(named) } });
    } else {
      const verifier = await readKey(call, key);
      try {
        const { header: _header, ...found } = await verifyExport(toLines(createReadStream(file)), () => verifier, nodeHashing);
        answer = found;
      } catch (cause) {
        if (!hasCode(cause, 'ENOENT', 'EISDIR', 'EACCES')) throw cause;
        throw new PlaneError('invalid', `cannot read ${file}: ${toMessage(cause)}; \`planes audit export\` writes one`, { cause });
      }
    }
    show(output, answer, () => toText(answer));
    return answer.faults.length === 0 ? exitCodes.done : exitCodes.broken;
  },
});
