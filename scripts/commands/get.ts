import { stringify } from 'yaml';
import { command } from './command.ts';
import { plane } from './said.ts';

export const get = command({
  path: 'get',
  summary: 'write a plane as its planes.yaml, which `planes apply -f` takes again',
  argument: { spec: '[plane]', description: 'the same as --plane' },
  flags: { plane },
  examples: ['planes get acme > planes.yaml', 'planes get acme -o json'],
  async run({ client, output, planeOf, say }, { plane: named }, argument) {
    const planeId = await planeOf(argument ?? named);
    const { definition, revision, managedBy, updatedBy } = await client('getPlane', { params: { planeId } });
    output.write(output.format === 'json' ? `${JSON.stringify(definition, null, 2)}\n` : stringify(definition, { lineWidth: 0 }));
    say(`# revision ${revision}, last changed by ${updatedBy}, managed by ${managedBy === 'file' ? 'its file' : 'the API and the cards'}`);
  },
});
