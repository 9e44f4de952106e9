import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Locked {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly inBundle?: boolean;
  readonly optionalDependencies?: Record<string, string>;
}

const root = join(__dirname, '..');
const read = (file: string) =>
  Object.entries((JSON.parse(readFileSync(join(root, file), 'utf8')) as { packages: Record<string, Locked> }).packages);

const ofOpenClaw = 'manifests/machine/openclaw';
const versions = JSON.parse(readFileSync(join(root, ofOpenClaw, 'versions.json'), 'utf8')) as Record<
  string,
  { folder: string; plugins: Record<string, { folder: string }> }
>;
const folders = Object.values(versions).flatMap(({ folder, plugins }) => [
  folder,
  ...Object.values(plugins).map((plugin) => plugin.folder),
]);
const locks = folders.map((folder) => join(ofOpenClaw, folder, 'package-lock.json'));

describe.each(['package-lock.json', ...locks])('%s', (file) => {
  const packages = read(file);

  it('holds no download address', () => {
    expect(packages.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
  });

  it('checks what every platform needs by hash', () => {
    const unchecked = packages.filter(
      ([path, { integrity, optional, inBundle }]) => path !== '' && integrity === undefined && !optional && !inBundle,
    );
    expect(unchecked.map(([path]) => path)).toEqual([]);
  });
});

// npm leaves out what the registry that made the lock did not serve, and `npm ci` then refuses everywhere.
it('names the builds for other platforms too', () => {
  const packages = read('package-lock.json');
  const missing = packages.flatMap(([, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !packages.some(([path]) => path.endsWith(`node_modules/${name}`))),
  );
  expect(missing).toEqual([]);
});
