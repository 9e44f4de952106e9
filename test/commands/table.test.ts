import { statSync } from 'node:fs';
import { commands } from '../../scripts/commands/table.ts';
import { openBench, type Bench } from './bench.ts';
import { cases } from './cases.ts';

/** The lines of the specification (§1.3), with the flags of each. */
const specified: Readonly<Record<string, readonly string[]>> = {
  create: ['name', 'identity-provider', 'infra-provider', 'secrets-provider', 'network-provider', 'region', 'config'],
  list: [],
  status: ['plane'],
  delete: ['plane', 'force'],
  upgrade: ['plane', 'version'],
  'add-agent': ['plane', 'name', 'owner', 'machine-type', 'model-tier', 'budget-cap', 'tools', 'channels'],
  'remove-agent': ['plane', 'name'],
  'restart-agent': ['plane', 'name'],
  logs: ['plane', 'name', 'follow'],
  'rotate-secrets': ['plane', 'agent'],
  pause: ['plane'],
  resume: ['plane'],
  'cost-report': ['plane', 'period'],
};

describe('the table of commands', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await openBench();
  });
  afterEach(async () => bench.close());

  it.each(commands.map(({ path }) => path))('has a case for %s that asserts what it leaves behind', async (path) => {
    const check = cases[path];
    if (!check) throw new Error(`no case for planes ${path}: write one in cases.ts`);
    await check(bench);
  });

  it('has no case without a command', () => {
    const paths = commands.map(({ path }) => path);
    expect(Object.keys(cases).filter((path) => !paths.includes(path))).toEqual([]);
  });

  it.each(Object.entries(specified))('knows planes %s with every flag of the specification', (path, wanted) => {
    const flags = Object.values(commands.find((row) => row.path === path)?.flags ?? {}).map(
      ({ flags: spelled }) => /--([\w-]+)/.exec(spelled)?.[1],
    );
    expect(flags).toEqual(expect.arrayContaining([...wanted]));
  });

  it('sends nothing but questions and plans with --dry-run, whatever the command changes', async () => {
    const lines = [
      ...[['delete', '--plane', 'acme', '--force'], ['upgrade'], ['pause'], ['resume'], ['rotate-secrets']],
      ...[
        ['add-agent', '--owner', 'alice@acme.test'],
        ['remove-agent', '--name', 'bob'],
        ['restart-agent', '--name', 'bob'],
      ],
      ...[
        ['reprovision', '--name', 'bob'],
        ['backup', '--name', 'bob'],
        ['drift', '--heal'],
        ['approve', 'first'],
        ['deny', 'wish'],
      ],
    ];
    for (const line of lines) expect([line[0], (await bench.run([...line, '--dry-run'])).code]).toEqual([line[0], 0]);
    const sent = bench.heard.filter(
      ({ operation, body }) => !/^(list|get)/.test(operation) && !JSON.stringify(body ?? '').includes('"dryRun":true'),
    );
    expect([...new Set(sent.map(({ operation }) => operation))]).toEqual(['createPlan']);
    const dry = commands.filter(({ changes }) => changes).map(({ path }) => path);
    expect(dry.filter((path) => !lines.some(([first = '']) => path.startsWith(first)))).toEqual([
      'create',
      'apply',
      'restore',
      'operations cancel',
      'operations resume',
      'connect',
    ]);
  });

  it('gives every change an Idempotency-Key, and no question one', async () => {
    await bench.json('restart-agent', '--name', 'bob');
    await bench.run(['restart-agent', '--name', 'bob', '--idempotency-key', 'mine']);
    expect(bench.heard.filter(({ operation }) => operation === 'restartAgent').map(({ key }) => key)).toEqual(['key', 'mine-1']);
    expect(bench.heard.filter(({ operation, key }) => operation === 'listAgents' && key !== undefined)).toEqual([]);
  });

  it.each(commands.filter(({ asks }) => asks).map(({ path }) => path))(
    'asks before %s, and does nothing when nobody is there',
    async (path) => {
      const words: Readonly<Record<string, string[]>> = {
        apply: ['--plan', 'plan-1'],
        delete: ['--plane', 'acme', '--force'],
        'add-agent': ['--owner', 'x@acme.test', '--machine-type', 'e2-small'],
        drift: ['--heal'],
        scaletest: ['--plane', 'acme'],
      };
      await bench.json('plan', '--ou', '/Sales', '--budget-cap', '90');
      if (path === 'restore') await bench.json('backup', '--name', 'bob');
      const begun = bench.heard.length;
      const ran = await bench.run([path, ...(words[path] ?? (path === 'upgrade' ? [] : ['--name', 'bob']))]);
      expect([ran.code, ran.complaints]).toEqual([1, expect.stringContaining('add --yes')]);
      expect(bench.heard.slice(begun).filter(({ operation }) => !/^(list|get|createPlan)/.test(operation))).toEqual([]);
    },
  );

  it('keeps contexts and tokens for their owner alone', async () => {
    const token = `e30.${Buffer.from(JSON.stringify({ exp: Date.parse('2026-11-22T18:00:00Z') / 1000 })).toString('base64url')}.x`;
    let asked = 0;
    const shell = async (): Promise<string> => ((asked += 1), token);
    const config = { contextsDir: bench.file('contexts'), colors: false };
    await bench.run(['connect', bench.url], { shell, config });
    await bench.run(['whoami'], { shell, config });
    expect(asked).toBe(1);
    for (const name of ['contexts.json', 'tokens.json']) expect(statSync(bench.file(`contexts/${name}`)).mode & 0o777).toBe(0o600);
    const failed = await bench.run(['connect', bench.url, '--token-command', 'false'], { config });
    expect([failed.code, failed.complaints]).toEqual([1, expect.stringContaining('`false` failed: no shell here')]);
  });
});
