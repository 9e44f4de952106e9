import type { Answer } from '../../shared/contract.ts';
import type { Card } from '../card.ts';
import type { Reader } from '../reader.ts';
import { fact, paragraph } from './rows.ts';

const mostSecrets = 50;

export const secretsCard = ({ secrets }: Answer<'listSecrets'>, { formats }: Reader): Card => ({
  name: 'secrets',
  header: { title: 'Secrets', subtitle: 'Nobody sees their values, here or anywhere' },
  sections: [
    {
      widgets:
        secrets.length === 0
          ? [paragraph('This agent has no secrets now.')]
          : secrets.slice(0, mostSecrets).map(({ name, version, rotatedAt, dueAt, takenUp }) =>
              fact(`Version ${formats.count(version)}`, name, {
                startIcon: { materialIcon: { name: takenUp ? 'key' : 'schedule' }, altText: takenUp ? 'In use' : 'On its way' },
                bottomLabel: `Made ${formats.ago(rotatedAt).toLowerCase()}; ${takenUp ? 'in use' : 'on its way to the machine'}; rotated by itself on ${formats.day(dueAt)}`,
              }),
            ),
    },
  ],
});
