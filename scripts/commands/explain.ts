import { command } from './command.ts';
import { needed } from './flags.ts';
import { show } from './output.ts';
import { plane } from './said.ts';

export const explain = command({
  path: 'explain',
  summary: 'say why a user\u2019s agent has the policy it has',
  flags: { plane, user: needed('--user <user>', 'an e-mail address or a directory id') },
  async run({ client, output, planeOf }, { plane: named, user }) {
    const answer = await client('explainUser', { params: { planeId: await planeOf(named), userKey: user } });
    const { email, ouPath, groups } = answer.user;
    show(output, answer, () =>
      [
        `${email} in ${ouPath}${groups.length === 0 ? '' : `, member of ${groups.join(', ')}`}`,
        ...answer.sentences.map((line) => `  ${line}`),
      ].join('\n'),
    );
  },
});
