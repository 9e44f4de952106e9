import { readFileSync } from 'node:fs';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import type { Signer } from '../../functions/core/surroundings.ts';
import { readPublicKey } from '../../functions/keys.ts';
import { command, type Call } from './command.ts';
import { text } from './flags.ts';
import { show } from './output.ts';

export const keyFlag = text('--key <file>', 'the public key to trust, as `planes audit key` printed it; the plane is asked unless said');

/** The key to check signatures with: from a file, so that nothing is asked of the plane, else the plane\u2019s. */
export async function readKey({ client }: Call, file: string | undefined): Promise<Pick<Signer, 'keyId' | 'verify'>> {
  if (file === undefined) return readPublicKey((await client('auditKey')).publicKey);
  try {
    return readPublicKey(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new PlaneError('invalid', `cannot use ${file}: ${toMessage(cause)}`, { cause });
  }
}

export const auditKey = command({
  path: 'audit key',
  summary: 'print the public key that checks receipts and audit exports; keep it where the plane cannot change it',
  flags: {},
  async run({ client, output }) {
    const key = await client('auditKey');
    show(output, key, () => key.publicKey.trimEnd());
  },
});
