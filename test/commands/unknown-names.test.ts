import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commands } from '../../scripts/commands/table.ts';
import { openWorld, type World } from '../http/world.ts';
import { createRunner } from './bench.ts';

const [admin, bob] = ['admin@acme.test', 'bob@acme.test'];

/** What a line needs besides the name in question. */
const usual: Readonly<Record<string, readonly string[]>> = { name: ['--name', bob], owner: ['--owner', bob], user: ['--user', bob] };
/** What an argument names, by the command. */
const argued: Readonly<Record<string, boolean>> = { get: true, approve: true, deny: true };
const extra: Readonly<Record<string, readonly string[]>> = {
  plan: ['--budget-cap', '50'],
  drift: ['--heal'],
  apply: ['--plan', 'nothing'],
  approve: ['--id', 'nothing'],
  deny: ['--id', 'nothing'],
};

/** Flags that name something which has to be there. The audit log is searched by whoever did it, known or not. */
const naming = ['plane', 'name', 'agent', 'user', 'owner', 'plan', 'backup', 'group', 'id'];
const free: Readonly<Record<string, readonly string[]>> = {
  ...{ status: ['group'], 'audit list': ['user'], 'add-agent': ['name'] },
  // What is planned for a group comes into force once there is one.
  plan: ['group'],
};
const unknown: Readonly<Record<string, string>> = { owner: 'nobody@acme.test', group: 'nobody@acme.test', user: 'nobody@acme.test' };

/** Each way in which a command line can name something that is not there. */
function linesOf({ path, flags, argument, asks }: (typeof commands)[number]): readonly (readonly string[])[] {
  const names = Object.keys(flags).filter((flag) => naming.includes(flag) && !(free[path] ?? []).includes(flag));
  const others = (but: string): readonly string[] =>
    Object.entries(flags).flatMap(([flag, { required }]) => (required && flag !== but ? (usual[flag] ?? ['--plane', 'acme']) : []));
  const scope = path === 'plan' ? (flag: string) => (flag === 'user' ? [] : ['--organization']) : () => [];
  const lines = names.map((flag) => [
    ...path.split(' '),
    ...others(flag),
    ...(extra[path] ?? []),
    ...scope(flag),
    ...(asks ? ['--yes'] : []),
    `--${flag}`,
    unknown[flag] ?? 'nobody',
  ]);
  const isId = argument !== undefined && (argument.spec === '<id>' || argued[path] === true);
  const withId = lines.map((line) => (argument?.spec === '<id>' ? [...line, 'nothing'] : line));
  const known = path === 'add-agent' ? withId.map((line) => (line.includes('--owner') ? line : [...line, '--owner', bob])) : withId;
  return isId ? [...known, [...path.split(' '), ...others(''), 'nothing']] : known;
}

/** These know no plane, or none that is named. */
const nameless = ['create', 'list', 'audit key', 'receipt verify', 'connect', 'whoami', 'completion'];
const lines = commands.flatMap((row) => (nameless.includes(row.path) ? [] : linesOf(row)));

describe('a command line that names what is not there', () => {
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-unknown-'));
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
    await world.call('POST', '/v1/planes/acme/agents', admin, { ownerEmail: bob });
    await world.settle();
  });
  afterAll(async () => {
    await world.close();
    rmSync(folder, { recursive: true });
  });

  it('is thought of for every command that names anything', () => {
    const silent = commands.filter((row) => !nameless.includes(row.path) && linesOf(row).length === 0).map(({ path }) => path);
    expect(silent).toEqual([]);
  });

  it('ends with 5, changes nothing and says what to do', async () => {
    const config = { contextsDir: folder, colors: false, url: world.url, token: world.idToken(admin) };
    const run = createRunner(folder, { config, random: randomUUID, now: () => Date.now() });
    const wrong: unknown[] = [];
    for (const line of lines) {
      await world.pass(2_000, /^$/);
      const { code, complaints } = await run([...line, '--json']);
      if (code !== 5 || !/^cannot .+; .+/m.test(complaints)) wrong.push({ line: line.join(' '), code, complaints });
    }
    expect(wrong).toEqual([]);
    expect(lines.length).toBeGreaterThan(40);
    expect([...world.store.entries('operations')]).toEqual([]);
  }, 60_000);
});
