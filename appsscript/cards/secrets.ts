import type { Answer } from '../../shared/contract.ts';
import type { Card } from '../card.ts';
import type { Reader } from '../reader.ts';
import { fact, paragraph } from './rows.ts';

const mostSecrets = 50;

const titles: Readonly<Record<string, string>> = { 'gateway/token': 'OpenClaw gateway token', 'model/apiKey': 'Key to the models' };
/** Names that are not known here read as they are written. */
const toSecretTitle = (name: string): string => titles[name] ?? name;

export const secretsCard = ({ secrets }: Answer<'listSecrets'>, { formats }: Reader): Card => ({
  name: 'secrets',
  header: { title: 'Secrets', subtitle: 'Nobody sees their values, here or anywhere' },
  sections: [
    {
      widgets:
        secrets.length === 0
          ? [paragraph('This agent has no secrets now.')]
          : secrets.slice(0, mostSecrets).map(({ name, version, rotatedAt, dueAt, takenUp }) =>
              fact(`Version ${formats.count(version)}`, toSecretTitle(name), {
                startIcon: { materialIcon: { name: takenUp ? 'key' : 'schedule' }, altText: takenUp ? 'In use' : 'On its way' },
                bottomLabel: `Created ${formats.ago(rotatedAt).toLowerCase()}; ${takenUp ? 'in use' : 'on its way to the machine'}; rotates automatically on ${formats.day(dueAt)}`,
              }),
            ),
    },
  ],
});
