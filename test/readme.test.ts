import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commands as rows } from '../scripts/commands/table.ts';

const root = join(__dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
};

const commands = [...readme.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block = '']) => block.trim().split('\n'));

describe('the README', () => {
  it('has commands', () => {
    expect(commands.length).toBeGreaterThan(5);
  });

  it.each(commands)('names only scripts that exist: %s', (command) => {
    for (const [, script = ''] of command.matchAll(/npm (?:run )?(start|test|[a-z:]+)(?= |$)/g)) {
      if (script !== 'ci' && script !== 'run') expect(Object.keys(manifest.scripts)).toContain(script);
    }
  });

  // Each command of the table has a case of its own in test/commands.
  it.each(commands.filter((command) => command.startsWith('npm run planes')))(
    'names only commands and flags that the CLI has: %s',
    (command) => {
      const words = command.replace('npm run planes -- ', '').split(' ');
      const row = rows.findLast(({ path }) => `${words.join(' ')} `.startsWith(`${path} `));
      const known = Object.values(row?.flags ?? {}).map(({ flags: spec }) => spec);
      const flags = words.filter((word) => word.startsWith('-') && word !== '-o');
      expect({ command, row: row?.path }).toEqual({ command, row: expect.any(String) as unknown });
      expect(flags.filter((flag) => !known.some((spec) => spec.split(/[ ,]+/).includes(flag)))).toEqual([]);
    },
  );

  it('links to files that are there', () => {
    const links = [...readme.matchAll(/\]\(([^)h][^)]*)\)/g)].map(([, path = '']) => path);
    expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('says why each runtime dependency is there', () => {
    const table = readme.slice(readme.indexOf('## Why each dependency'));
    expect(Object.keys(manifest.dependencies).filter((name) => !table.includes(`\`${name}\``))).toEqual([]);
  });

  it('names every flag and variable that config.ts reads', () => {
    const read = (file: string) => readFileSync(join(root, 'functions', file), 'utf8');
    const named = [...read('config.ts').matchAll(/env\['(\w+)'\]/g), ...read('config-functions.ts').matchAll(/\('([A-Z][A-Z_]+)'/g)];
    const variables = named.map(([, name = '']) => name).filter((name) => name !== 'HOME');
    expect(variables.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  });
});
