import { toMessage } from '../../functions/core/errors.ts';
import { deployAddon, pushAddon } from './deploy.ts';
import { readTarget } from './target.ts';

const works = { push: pushAddon, deploy: deployAddon } as const;
const isWork = (name: string | undefined): name is keyof typeof works => name !== undefined && Object.keys(works).includes(name);

const [name, ...args] = process.argv.slice(2);
try {
  if (!isWork(name)) throw new Error(`cannot ${name ?? 'do nothing'}: choose ${Object.keys(works).join(' or ')}`);
  process.stdout.write(`${await works[name](readTarget(args))}\n`);
} catch (error) {
  process.stderr.write(`${toMessage(error)}\n`);
  process.exitCode = 1;
}
