import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

const root = join(__dirname, '..');
const worlds = ['shared', 'appsscript', 'functions', 'scripts'];

const filesOf = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|js)$/.test(file))
    .map((file) => join(folder, file));

const sources = worlds.flatMap(filesOf);
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const importsOf = (file: string): Import[] =>
  [...textOf(file).matchAll(/^(?:import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'|^import\s+'([^']+)'/gm)].map(
    ([, type, named, bare]) => {
      const to = named ?? bare ?? '';
      return { from: file, to: to.startsWith('.') ? relative(root, join(root, dirname(file), to)) : to, typeOnly: type !== undefined };
    },
  );

const imports = sources.flatMap(importsOf);
const own = (to: string): boolean => worlds.some((world) => to.startsWith(`${world}/`));
const broken = (from: RegExp, allowed: (wanted: Import) => boolean): string[] =>
  imports.filter((wanted) => from.test(wanted.from) && !allowed(wanted)).map(({ from: file, to }) => `${file} imports ${to}`);

describe('the house', () => {
  it('finds its own sources', () => {
    expect(sources.length).toBeGreaterThan(30);
    expect(imports.length).toBeGreaterThan(100);
  });

  it('lets shared import zod alone', () => {
    expect(broken(/^shared\//, ({ to }) => to === 'zod' || to.startsWith('shared/'))).toEqual([]);
  });

  it('lets the core import the core and shared alone', () => {
    expect(broken(/^functions\/core\//, ({ to }) => to.startsWith('functions/core/') || to.startsWith('shared/'))).toEqual([]);
  });

  it('gives the core no clock, no chance and no environment', () => {
    const forbidden = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\.[a-z]|\bsetTimeout\(|\bsetInterval\(|AbortSignal\.timeout/;
    expect(filesOf('functions/core').filter((file) => forbidden.test(textOf(file)))).toEqual([]);
  });

  it('lets the add-on import types of shared alone', () => {
    expect(broken(/^appsscript\//, ({ to, typeOnly }) => to.startsWith('appsscript/') || (to.startsWith('shared/') && typeOnly))).toEqual(
      [],
    );
  });

  it('keeps providers apart: none imports another', () => {
    const kindOf = (file: string): string | undefined => /^functions\/providers\/(identity|infra|secrets|network)\//.exec(file)?.[1];
    const isProvider = (file: string): boolean => /\): (Identity|Infra|Secrets|Network)Provider\b/.test(textOf(file));
    const wrong = imports.filter(({ from, to }) => {
      if (kindOf(from) === undefined || !to.startsWith('functions/providers/') || to.startsWith('functions/providers/cloud/')) return false;
      return kindOf(to) !== kindOf(from) || isProvider(to);
    });
    expect(wrong).toEqual([]);
  });

  it('lets composition roots alone import providers', () => {
    const roots = /^functions\/(main|providers\/)|^scripts\//;
    expect(imports.filter(({ from, to }) => to.startsWith('functions/providers/') && !roots.test(from)).map(({ from }) => from)).toEqual(
      [],
    );
  });

  it('reads the environment in configuration files alone', () => {
    const readers = sources.filter((file) => /process\.env/.test(textOf(file)) && !/^functions\/config[a-z-]*\.ts$/.test(file));
    expect(readers).toEqual([]);
  });

  it('keeps files at 300 lines or fewer', () => {
    const tests = filesOf('test');
    expect([...sources, ...tests].filter((file) => textOf(file).split('\n').length > 301)).toEqual([]);
  });

  it('knows every file it imports', () => {
    const known = new Set([...sources, ...filesOf('test')]);
    expect(imports.filter(({ to }) => own(to) && !known.has(to)).map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });
});
