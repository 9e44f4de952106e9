import type { Client } from '../client.ts';
import { show, type Output } from './output.ts';

/** Checks every hash chain; answers false when one is broken. */
export async function verify(client: Client, output: Output, { plane }: { plane: string }): Promise<boolean> {
  const answer = await client('verifyAudit', { params: { planeId: plane } });
  const { chains, rows, faults } = answer;
  show(output, answer, () =>
    faults.length === 0
      ? `${rows} rows in ${chains} chains: every row is as it was written.`
      : `${faults.length} of ${chains} chains are broken:\n${faults.map(({ chain, seq, fault }) => `  ${chain} row ${seq}: ${fault}`).join('\n')}`,
  );
  return faults.length === 0;
}
