import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
};
const story = readFileSync(join(root, 'test/e2e/story.test.ts'), 'utf8');

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

  it.each(commands.filter((command) => command.startsWith('npm run planes')))('has every CLI command run by the story: %s', (command) => {
    const words = command.replace('npm run planes -- ', '').split(' ');
    const verbs = words.filter((word, at) => !word.startsWith('-') && !words[at - 1]?.startsWith('-'));
    expect(story.replaceAll(/\s+/g, ' ').includes(`['${verbs.join("', '")}'`)).toBe(true);
  });

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
