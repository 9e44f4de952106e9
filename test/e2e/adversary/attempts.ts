import { until, type TestPlane } from '../embedded.ts';
import type { Attempt, Scene, Told } from './scene.ts';

interface Row {
  readonly chain: string;
  readonly seq: number;
  readonly actor: { readonly id: string };
  readonly action: string;
  readonly target: string;
}

export interface Outcome {
  readonly name: string;
  readonly result: string;
  readonly refused: boolean;
  /** The audit row that tells of it, or why there is none; `undefined` where there should be one. */
  readonly told: string | undefined;
}

export async function readAudit(plane: TestPlane): Promise<Row[]> {
  const answer = await fetch(`${plane.url}/v1/planes/acme/audit/export`, { headers: { authorization: `Bearer ${plane.token()}` } });
  const lines = (await answer.text()).split('\n').filter((line) => line !== '');
  return lines.flatMap((line) => (JSON.parse(line) as { row?: Row }).row ?? []);
}

const chainOf = (chain: 'alice' | 'bob' | 'plane', scene: Scene): string => (chain === 'plane' ? 'plane/acme' : `agent/${scene[chain].id}`);

function find(told: Exclude<Told, { nobody: string }>, rows: readonly Row[], scene: Scene): string | undefined {
  const chain = chainOf(told.chain, scene);
  const fits = (row: Row): boolean =>
    row.chain === chain &&
    row.action === told.action &&
    (typeof told.target === 'string' ? row.target === told.target : told.target.test(row.target)) &&
    (told.actor === undefined || row.actor.id === told.actor);
  const row = rows.findLast(fits);
  return row && `${row.action} ${row.target} by ${row.actor.id} (${told.chain} ${row.seq})`;
}

/** Makes every attempt, one after the other, then looks for the rows that tell of them; a heartbeat may bring some, a minute apart. */
export async function makeAttempts(attempts: readonly Attempt[], scene: Scene): Promise<Outcome[]> {
  const made: { attempt: Attempt; result: string }[] = [];
  for (const attempt of attempts) {
    const result = await Promise.resolve(attempt)
      .then(({ tries }) => tries(scene))
      .catch((error: unknown) => `threw: ${String(error)}`);
    made.push({ attempt, result: result.replaceAll(/\s+/g, ' ').trim() });
  }
  let outcomes: Outcome[] = [];
  await until(
    'audit rows',
    100_000,
    async () => {
      // Lines of shell block this process, and the plane closes idle connections meanwhile: the first call may find one.
      const rows = await readAudit(scene.plane).catch(() => []);
      outcomes = made.map(({ attempt: { name, refused, told: tell }, result }) => {
        const told = typeof tell === 'function' ? tell(scene) : tell;
        return { name, result, refused: refused.test(result), told: 'nobody' in told ? told.nobody : find(told, rows, scene) };
      });
      return outcomes.every(({ told }) => told !== undefined);
    },
    1_000,
  ).catch(() => undefined);
  if (outcomes.length !== attempts.length) throw new Error('the outcome of some attempts is not known');
  return outcomes;
}

const cut = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 1)}\u2026` : text.padEnd(length));

export const toTable = (outcomes: readonly Outcome[]): string =>
  outcomes
    .map(({ name, result, refused, told }, at) => {
      const verdict = refused ? cut(result, 32) : cut(`NOT REFUSED: ${result}`, 32);
      return `${String(at + 1).padStart(3)}  ${cut(name, 62)}  ${verdict}  ${told ?? 'NO ROW'}`;
    })
    .join('\n');
