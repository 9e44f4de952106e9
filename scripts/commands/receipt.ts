import { readFileSync } from 'node:fs';
import { receiptSchema } from '../../shared/views.ts';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import { canonical } from '../../functions/core/surroundings.ts';
import { keyFlag, readKey } from './audit-key.ts';
import { command } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { findAgent } from './find-agent.ts';
import { show, toTime } from './output.ts';
import { agentFlags } from './said.ts';

export const receiptShow = command({
  path: 'receipt show',
  usual: true,
  summary: 'show the signed proof that an agent was removed',
  flags: agentFlags,
  examples: ['planes receipt --plane acme --name alice@acme.test --json > receipt.json'],
  async run(call, { plane, name }) {
    const { client, output } = call;
    const { agentId, planeId } = await findAgent(call, await call.planeOf(plane), name);
    const answer = await client('agentReceipt', { params: { planeId, agentId } });
    show(output, answer, () =>
      [
        `${answer.agentId} of ${answer.ownerEmail}: removed at ${toTime(answer.removedAt, output)} (${answer.reason})`,
        ...answer.listings.map(({ what, provider, at }) => `  ${what} at ${provider}: none left, listed ${toTime(at, output)}`),
        ...(answer.backup ? [`  its last backup ${answer.backup.id} is kept until ${toTime(answer.backup.expiresAt, output)}`] : []),
        `  signed by key ${answer.keyId}`,
      ].join('\n'),
    );
  },
});

function readReceipt(file: string) {
  try {
    return receiptSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    const said = toMessage(cause).split('\n')[0] ?? '';
    throw new PlaneError('invalid', `cannot read ${file}: ${said}; \`planes receipt --name <agent> --json\` writes one`, { cause });
  }
}

export const receiptVerify = command({
  path: 'receipt verify',
  summary: 'check a receipt\u2019s signature; with --key, without the plane',
  argument: { spec: '<file>', description: 'a receipt as JSON' },
  flags: { key: keyFlag },
  async run(call, { key }, file = '') {
    const { signature, ...unsigned } = readReceipt(file);
    const verifier = await readKey(call, key);
    const good = unsigned.keyId === verifier.keyId && verifier.verify(canonical(unsigned), signature);
    const { agentId, ownerEmail, removedAt, keyId } = unsigned;
    const fact =
      keyId === verifier.keyId ? 'it is not as it was signed' : `it names key ${keyId}, the key to check it with is ${verifier.keyId}`;
    show(call.output, { good, agentId, ownerEmail, removedAt, keyId }, () =>
      good
        ? `Good: agent ${agentId} of ${ownerEmail} was removed at ${toTime(removedAt, call.output)}; key ${keyId} signed every word of it.`
        : `Bad: ${fact}.`,
    );
    return good ? exitCodes.done : exitCodes.broken;
  },
});
