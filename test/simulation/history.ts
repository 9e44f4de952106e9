import { verifyAll } from '../../functions/core/audit-trail.ts';
import { knock, performBeside } from './beside.ts';
import { lendPlatform } from './clock.ts';
import { agentOf, perform, release, seize, type History } from './commands.ts';
import { unfinished } from './ending.ts';
import { checkTokens } from './refusals.ts';
import { afterMs, disturb, noFaults, type Tally } from './session.ts';
import { hashing } from './wiring.ts';
import { createWorld, type World } from './world.ts';

export interface Outcome {
  readonly violation?: string;
  /** Steps that were made before the violation, or all of them. */
  readonly steps: number;
  readonly tally: Tally;
  readonly virtualMs: number;
}

/** How long a plane without faults may take until every agent reaches its spec, in milliseconds. */
const patienceMs = 20 * 60_000;

/** Faults end; every agent must reach what the directory says of its owner. */
export async function settle(world: World): Promise<string | undefined> {
  const { clock, stage, workers, users, invariants, documents, random, gateways } = world;
  random.reseed(1);
  gateways.reseed(1);
  gateways.calm();
  stage.faults = noFaults;
  disturb(stage, afterMs);
  stage.outages.clear();
  stage.crashAnywhere = undefined;
  for (const worker of workers) [worker.crash, worker.stall] = [undefined, undefined];
  for (const agentId of users.keys()) release(world, agentId);
  const until = clock.now() + patienceMs;
  while (clock.now() < until) {
    await clock.advance(clock.now() + 5_000, invariants.violated);
    const violation = world.check() ?? (invariants.refusalsDue() ? await checkTokens(world) : undefined);
    if (violation !== undefined) return violation;
    if (unfinished(world) === undefined) break;
  }
  const left = unfinished(world);
  if (left !== undefined) return `9: ${left}`;
  const refusal = await checkTokens(world);
  if (refusal !== undefined) return refusal;
  const unequal = gateways.audit();
  if (unequal !== undefined) return unequal;
  const { faults } = await verifyAll(documents, hashing);
  return faults[0] && `8: chain ${faults[0].chain} row ${faults[0].seq}: ${faults[0].fault}`;
}

export async function runHistory({ seed, users, workers, foreign, commands }: History): Promise<Outcome> {
  const world = createWorld({ seed, users, workers });
  const { clock, invariants, random, stage } = world;
  const giveBack = lendPlatform(clock);
  const startedAt = clock.now();
  const outcome = (steps: number, violation: string | undefined): Outcome => {
    return { steps, tally: stage.tally, virtualMs: clock.now() - startedAt, ...(violation === undefined ? {} : { violation }) };
  };
  try {
    for (const { user, what } of foreign) seize(world, agentOf(world, user), what);
    for (const [at, command] of commands.entries()) {
      random.reseed(command.seed);
      world.gateways.reseed(command.seed);
      const { beside } = command;
      const longerMs = beside ? performBeside(world, beside) : 0;
      perform(world, command);
      await clock.advance(clock.now() + command.ms + longerMs, invariants.violated);
      if (beside) await knock(world, beside, command.seed);
      const violation = world.check() ?? (invariants.refusalsDue() ? await checkTokens(world) : undefined);
      if (violation !== undefined) return outcome(at + 1, violation);
    }
    return outcome(commands.length, await settle(world));
  } finally {
    giveBack();
  }
}
