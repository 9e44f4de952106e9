import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoopbackRows } from './loopback-plane.ts';
import { openLoopback } from './loopback-plane.ts';
import { companyRows } from './company-rows.ts';
import { createCompany } from './company.ts';
import { eventually } from '../http/world.ts';

const program = join(__dirname, '../../scripts/planes.ts');
const bob = 'bob@acme.test';

/** A plane that can end and come back at the same address, and what a command line sees of it. */
async function openPlane(rows: (usual: LoopbackRows) => LoopbackRows) {
  const company = createCompany();
  const folder = mkdtempSync(join(tmpdir(), 'agents-plane-following-'));
  const made = rows(companyRows(company));
  let loopback = await openLoopback(made);
  const { url } = loopback;
  const env = { ...process.env, PLANES_URL: url, PLANES_TOKEN: 't', XDG_CONFIG_HOME: folder, COLUMNS: '80' };

  /** The real program as a shell starts it; on a terminal of its own where that is asked for. */
  function start(line: readonly string[], terminal = false) {
    const words = [process.execPath, program, ...line];
    const child = terminal
      ? spawn('script', ['--quiet', '--return', '--command', words.map((word) => `'${word}'`).join(' '), '/dev/null'], { env })
      : spawn(process.execPath, words.slice(1), { env });
    const heard = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => void (heard.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => void (heard.err += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
    return { heard, ended, interrupt: (): void => void (terminal ? child.stdin.write('\u0003') : child.kill('SIGINT')) };
  }
  return {
    ...{ company, start },
    stop: () => loopback.close(),
    async again(): Promise<void> {
      loopback = await openLoopback(made, Number(new URL(url).port));
    },
    async close(): Promise<void> {
      await loopback.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
type Opened = Awaited<ReturnType<typeof openPlane>>;

describe('a command that follows', () => {
  let plane: Opened | undefined;
  afterEach(async () => plane?.close());
  const operationOf = ({ company }: Opened): string => [...company.operations.keys()][0] ?? '';

  it('streams logs, goes on after the plane was started again, and ends on Ctrl-C with 130', async () => {
    const lines = ['one', 'two'];
    plane = await openPlane((usual) => ({ ...usual, agentLogs: () => ({ lines: [...lines] }) }));
    const { heard, ended, interrupt } = plane.start(['logs', '--name', bob, '--follow']);
    await eventually('the first lines', async () => heard.out === 'one\ntwo\n', 20_000);
    lines.push('three');
    await eventually('a new line', async () => heard.out.endsWith('three\n'));
    await plane.stop();
    await eventually('that it waits', async () => heard.err.includes('does not answer'), 10_000);
    lines.push('four');
    await plane.again();
    await eventually('what was written meanwhile', async () => heard.out === 'one\ntwo\nthree\nfour\n', 10_000);
    interrupt();
    expect(await ended).toBe(130);
    expect(heard.err).toBe('The plane does not answer; this goes on when it does.\n');
  }, 60_000);

  it('draws progress over itself on a terminal, and says on Ctrl-C that the work goes on', async () => {
    plane = await openPlane((usual) => ({
      ...usual,
      getOperation: async (input) => {
        const view = await usual.getOperation?.(input);
        if (!view) throw new Error('no such row');
        return { ...view, state: 'running', waiting: 1, done: 0 };
      },
    }));
    const { heard, ended, interrupt } = plane.start(['pause', '--ou', '/Sales'], true);
    await eventually('progress', async () => heard.out.includes('\r\u001b[2Kpause: 0/1'), 20_000);
    interrupt();
    expect(await ended).toBe(130);
    const said = `To watch it again: planes operations watch ${operationOf(plane)} --plane acme; to stop it: planes operations cancel`;
    expect(heard.out.replaceAll('\r\n', '\n')).toContain('\r\u001b[2KIt goes on without this window.');
    expect(heard.out.replaceAll(/\s+/g, ' ')).toContain(said);
    expect(plane.company.operations.size).toBe(1);
  }, 60_000);

  it('writes progress as lines where nobody looks at a terminal, and answers JSON alone on standard output', async () => {
    plane = await openPlane((usual) => usual);
    const { heard, ended } = plane.start(['pause', '--ou', '/Sales', '--json']);
    expect(await ended).toBe(0);
    expect(JSON.parse(heard.out)).toMatchObject({ state: 'done', done: 1 });
    expect(heard.err).not.toContain('\u001b');
    expect(heard.err).toMatch(/^pause: \d\/1 /);
  }, 60_000);

  it('leaves nothing of a scale test that is interrupted', async () => {
    plane = await openPlane((usual) => usual);
    const { heard, ended, interrupt } = plane.start(['scaletest', '--agents', '20', '--seconds', '600', '--json']);
    await eventually('the load', async () => /\d+\/600 s {2}\d+ calls/.test(heard.err), 40_000);
    interrupt();
    expect(await ended).toBe(130);
    const answer = JSON.parse(heard.out) as { steps: { step: string; count: number }[] };
    expect(answer.steps.find(({ step }) => step === 'create')).toMatchObject({ count: 20 });
    expect(heard.err).toContain('Stopped; the plane that was made for this is gone.');
  }, 90_000);
});
