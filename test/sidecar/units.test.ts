import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createChildren } from '../../scripts/sidecar/as-agent.ts';
import { createUnitSwap } from '../../scripts/sidecar/unit-swap.ts';
import { readEnding, splitAnswer, toErrandLine } from '../../scripts/sidecar/units.ts';
import { ctx } from './machine-bench.ts';

/** What a connection to the errand socket would carry. */
const answerOf = (command: readonly string[], input = ''): Buffer => spawnSync('sh', ['-c', toErrandLine(command)], { input }).stdout;

async function split(chunks: readonly Buffer[]): Promise<{ output: string; code: number | null; complaint: string }> {
  let told = { code: -1 as number | null, complaint: '' };
  const stream = splitAnswer((code, complaint) => (told = { code, complaint }));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  let output = '';
  for await (const part of stream) output += String(part);
  return { output, ...told };
}

describe('an errand', () => {
  it('gives its output, what it complains of and its exit code over one way, however it is cut', async () => {
    const said = answerOf(['sh', '-c', 'cat; echo "it is broken" >&2; exit 7'], `it's 0000000\n`);
    const wanted = { output: `it's 0000000\n`, code: 7, complaint: 'it is broken' };
    await expect(split([said])).resolves.toEqual(wanted);
    await expect(split([...said].map((byte) => Buffer.of(byte)))).resolves.toEqual(wanted);
  });

  it('tells no exit code when it was ended on the way', async () => {
    await expect(split([Buffer.from('half of')])).resolves.toEqual({ output: 'half of', code: null, complaint: '' });
  });

  it('runs no word as a program of its own', async () => {
    await expect(split([answerOf(['echo', `'; exit 3; '`, '$(id)', '`id`'])])).resolves.toMatchObject({
      output: `'; exit 3; ' $(id) \`id\`\n`,
      code: 0,
    });
    expect(() => toErrandLine(['echo', 'a\nexit 3'])).toThrow(/more than one line/);
  });
});

it.each([
  ['ActiveState=active\nResult=success\nExecMainStatus=0', undefined],
  ['ActiveState=deactivating\nResult=success\nExecMainStatus=0', undefined],
  ['ActiveState=failed\nResult=exit-code\nExecMainStatus=78', { code: 78 }],
  ['ActiveState=inactive\nResult=success\nExecMainStatus=0', { code: 0 }],
  ['ActiveState=failed\nResult=signal\nExecMainStatus=9', { code: null }],
  ['nonsense', undefined],
])('reads of a gateway that systemd shows as %j that it ended with %j', (said, ending) => expect(readEnding(said)).toEqual(ending));

describe('a swap on a machine of its own', () => {
  let folder: string;
  let failing = Infinity;
  let calls = 0;
  const children = () => createChildren({ folder }, ctx.log);
  /** The sidecar's life ends with the command of that number. */
  const agent: Parameters<typeof createUnitSwap>[1] = {
    run(command) {
      calls += 1;
      if (calls > failing) throw new Error('power cut');
      return children().run(command);
    },
  };
  const put = (path: string, text: string): void => writeFileSync(join(folder, path), text);
  const look = () =>
    Object.fromEntries(
      ['workspace', 'state'].map((part) => [
        part,
        readdirSync(join(folder, part))
          .sort()
          .map((name) => `${name}=${readFileSync(join(folder, part, name), 'utf8')}`),
      ]),
    );
  const old = { workspace: ['.hidden=old', 'a=old', 'b=old'], state: ['s=old'] };
  const fresh = { workspace: ['a=new', 'c=new'], state: ['s=new'] };

  beforeEach(() => {
    [failing, calls] = [Infinity, 0];
    folder = mkdtempSync(join(tmpdir(), 'unit-swap-'));
    for (const name of ['run', 'tmp', 'workspace', 'state']) mkdirSync(join(folder, name));
    for (const name of ['a', 'b', '.hidden']) put(`workspace/${name}`, 'old');
    put('state/s', 'old');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function make(): Promise<ReturnType<typeof createUnitSwap>> {
    const swap = createUnitSwap(folder, agent);
    const target = await swap.makeFresh();
    for (const [name, text] of [
      ['workspace/a', 'new'],
      ['workspace/c', 'new'],
      ['state/s', 'new'],
    ] as const)
      writeFileSync(join(target, name), text);
    return swap;
  }

  it('puts what was made in place, and what was is gone once it is decided (REQ-MAINT-06)', async () => {
    const swap = await make();
    await swap.swapIn();
    await swap.settle();
    await swap.dropFresh();
    expect(look()).toEqual(fresh);
  });

  it('brings back what was, whichever step a power cut comes before (REQ-MAINT-06)', async () => {
    for (let cut = 0; cut < 4; cut += 1) {
      const swap = await make();
      failing = calls + cut;
      await swap.swapIn().catch(() => undefined);
      // The next sidecar is cut off once as well, and tries again.
      failing = calls + 1;
      await createUnitSwap(folder, agent)
        .swapBack()
        .catch(() => undefined);
      failing = Infinity;
      const next = createUnitSwap(folder, agent);
      await next.swapBack();
      await next.dropFresh();
      expect({ cut, ...look() }).toEqual({ cut, ...old });
    }
  });
});
