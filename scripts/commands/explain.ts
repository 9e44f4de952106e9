import type { Client } from '../client.ts';
import { show, type Output } from './output.ts';

/** Says for one user, by e-mail address or directory id, why each field of policy is what it is. */
export async function explain(client: Client, output: Output, { plane, user }: { plane: string; user: string }): Promise<void> {
  const answer = await client('explainUser', { params: { planeId: plane, userKey: user } });
  const { email, ouPath, groups } = answer.user;
  show(output, answer, () =>
    [
      `${email} in ${ouPath}${groups.length === 0 ? '' : `, member of ${groups.join(', ')}`}`,
      ...answer.sentences.map((line) => `  ${line}`),
    ].join('\n'),
  );
}
