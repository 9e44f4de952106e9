import { PlaneError } from '../../functions/core/errors.ts';
import { toFigures, type StepFigures } from '../scale/figures.ts';
import { drive, type Load, type Measured, type Watch } from '../scale/load.ts';
import { command, type Call } from './command.ts';
import { confirm } from './confirm.ts';
import { exitCodes } from './exit-codes.ts';
import { readAgents } from './find-agent.ts';
import { text, whole } from './flags.ts';
import { count, show, toTable } from './output.ts';
import { createProgress, type Progress } from './progress.ts';

const usual = { agents: 100, seconds: 30, perSecond: 50, namedPerSecond: 20, changesPerSecond: 2, heartbeatMs: 30_000 } as const;

type Loading = Pick<Load, 'perSecond' | 'seconds'>;
interface Outcome extends Pick<Measured, 'times' | 'failures'> {
  readonly planeId: string;
  readonly agents: number;
}

const watching = (progress: Progress, seconds: number, signal: AbortSignal): Watch => ({
  signal,
  seen(elapsedMs, soFar) {
    const figures = toFigures(soFar);
    const sum = (of: (each: StepFigures) => number): number => figures.reduce((total, each) => total + of(each), 0);
    const slowest = Math.max(0, ...figures.map(({ p99Ms }) => p99Ms));
    progress.update(
      `${Math.round(elapsedMs / 1_000)}/${seconds} s  ${sum((each) => each.count)} calls  p99 ${slowest} ms  ${sum((each) => each.errors)} errors`,
    );
  },
});

/** Against a plane that is there for this alone. */
async function onThrowaway({ surroundings, say }: Call, wanted: number, loading: Loading, progress: Progress, signal: AbortSignal) {
  // What a plane is made of is read only by who asks for one.
  const { openThrowawayPlane } = await import('../scale/throwaway.ts').catch((cause: unknown) => {
    const remedy = 'run it from a checkout: npm run planes -- scaletest; or name a plane that is there with --plane';
    throw new PlaneError('unavailable', `cannot start a plane for a scale test: this program comes without one; ${remedy}`, { cause });
  });
  const token = surroundings.random();
  const log = { info: () => undefined, warn: (message: string) => say(message) };
  const plane = await openThrowawayPlane({ agents: wanted, token, log });
  try {
    const [agents, create]: [Load['agents'][number][], number[]] = [[], []];
    for await (const { ms, ...agent } of plane.make(signal)) {
      agents.push(agent);
      create.push(ms);
      if (agents.length % 10 === 0) progress.update(`creating agents: ${agents.length}/${wanted}`);
    }
    plane.start();
    const { url, planeId } = plane;
    const load = { url, token, planeId, agents, ...loading, heartbeatMs: usual.heartbeatMs, changesPerSecond: usual.changesPerSecond };
    const driven =
      agents.length === 0 || signal.aborted ? { times: {}, failures: {} } : await drive(load, watching(progress, loading.seconds, signal));
    return { planeId, agents: agents.length, failures: driven.failures, times: { create, ...driven.times } };
  } finally {
    await plane.close();
  }
}

/** Against a plane that people use: nothing is created and nothing changed there. */
async function onNamed({ client, endpoint }: Call, planeId: string, loading: Loading, progress: Progress, signal: AbortSignal) {
  const agents = (await readAgents(client, planeId)).map(({ agentId, ownerEmail }) => ({ agentId, email: ownerEmail }));
  if (agents.length === 0) throw new PlaneError('conflict', `cannot test plane ${planeId}: it has no agents to ask for; add one first`);
  const load = { ...(await endpoint()), planeId, agents, ...loading, heartbeatMs: usual.heartbeatMs };
  return { planeId, agents: agents.length, ...(await drive(load, watching(progress, loading.seconds, signal))) };
}

export const scaletest = command({
  path: 'scaletest',
  summary: 'measure how a plane does with many agents: on one that is made for this and thrown away, or by reading from a named one',
  flags: {
    agents: whole('--agents <count>', `how many simulated agents; ${usual.agents} unless said`, 1, 100_000),
    seconds: whole('--seconds <seconds>', `for how long; ${usual.seconds} unless said`, 1, 86_400),
    minutes: whole('--minutes <minutes>', 'the same in minutes', 1, 1_440),
    rate: whole(
      '--rate <calls>',
      `calls a second; ${usual.perSecond}, and ${usual.namedPerSecond} to a named plane, unless said`,
      1,
      10_000,
    ),
    maxP99: whole(
      '--max-p99 <milliseconds>',
      `answer ${exitCodes.broken} where one of a hundred calls of any step takes longer`,
      1,
      60_000,
    ),
    plane: text('--plane <name>', 'a plane that people use: only asked, with reads alone, after a yes'),
  },
  asks: true,
  examples: ['planes scaletest', 'planes scaletest --agents 1000 --minutes 5 --max-p99 50 --json', 'planes scaletest --plane acme --yes'],
  async run(call, { agents = usual.agents, minutes, plane, maxP99, ...said }) {
    const { output, surroundings, say } = call;
    const seconds = said.seconds ?? (minutes === undefined ? usual.seconds : minutes * 60);
    const loading = { seconds, perSecond: said.rate ?? (plane === undefined ? usual.perSecond : usual.namedPerSecond) };
    const planeId = plane === undefined ? undefined : await call.planeOf(plane);
    if (planeId !== undefined) await confirm(call, `send plane ${planeId} ${loading.perSecond} reads a second for ${seconds} seconds`);
    return surroundings.interruptible(async (signal) => {
      const progress = createProgress(surroundings);
      const outcome: Outcome = await (
        planeId === undefined ? onThrowaway(call, agents, loading, progress, signal) : onNamed(call, planeId, loading, progress, signal)
      ).finally(() => progress.end());
      const steps = toFigures(outcome);
      const slow = maxP99 === undefined ? [] : steps.filter(({ step, p99Ms }) => step !== 'create' && p99Ms > maxP99);
      const failed = steps.reduce((sum, { errors }) => sum + errors, 0);
      const answer = {
        ...{ plane: planeId ?? null, agents: outcome.agents, seconds, callsPerSecond: loading.perSecond, steps },
        ...{ failures: outcome.failures, maxP99Ms: maxP99 ?? null, within: slow.length === 0 && failed === 0 },
      };
      show(output, answer, () =>
        [
          `${count(outcome.agents, 'agent')}, ${loading.perSecond} calls a second for ${seconds} s`,
          toTable(
            ['STEP', 'COUNT', 'P50 MS', 'P99 MS', 'MAX MS', 'ERRORS'],
            steps.map(({ step, ...each }) => [step, ...[each.count, each.p50Ms, each.p99Ms, each.maxMs, each.errors].map(String)]),
          ),
          ...slow.map(({ step, p99Ms }) => `${step}: ${p99Ms} ms is more than ${maxP99 ?? 0} ms`),
          ...Object.entries(outcome.failures).map(([what, often]) => `${what}, ${often} times`),
        ].join('\n'),
      );
      if (signal.aborted) {
        say(planeId === undefined ? 'Stopped; the plane that was made for this is gone.' : 'Stopped; nothing was changed.');
        return exitCodes.interrupted;
      }
      if (slow.length > 0) return exitCodes.broken;
      return failed > 0 ? exitCodes.failed : exitCodes.done;
    });
  },
});
