import { verifyAll } from '../../functions/core/audit-trail.ts';
import { toAgentId } from '../../shared/agent.ts';
import { lendPlatform } from './clock.ts';
import { toIdentity, type Person } from './directory-company.ts';
import { shouldRun } from './directory-oracle.ts';
import { noDirectoryFaults } from './directory-port.ts';
import { noSignalFaults } from './directory-signals.ts';
import { differs, type Wanted } from './ending.ts';
import type { Outcome } from './history.ts';
import { decide, perform, type IntakeHistory } from './intake-commands.ts';
import { createIntakeWorld, type IntakeWorld } from './intake-world.ts';
import { checkTokens, firstAccepted } from './refusals.ts';
import { afterMs, disturb, noFaults, type Tally } from './session.ts';
import { hashing, planeId } from './wiring.ts';

/** How long a plane without faults and without waiting admins may take until every agent is as the directory says, in milliseconds. */
const patienceMs = 4 * 60 * 60_000;
/**
 * Fifteen minutes, and how much older than that what they count from can be: a reading that shows an old state, before a run that is
 * stalled; in milliseconds.
 */
const tokenMs = 15 * 60_000 + 4 * 60_000;
/** How often admins look after what waits. */
const adminMs = 2 * 60_000;

export interface IntakeTally extends Tally {
  reads: number;
  signals: number;
  signalsLost: number;
  approvalsAsked: number;
  approvalsDecided: number;
}

function tierOf({ fields }: Person, groups: readonly string[], { file }: IntakeWorld): string | undefined {
  if (fields['modelTier'] !== undefined) return undefined;
  const opus = file.plane.spec.policies.some(
    ({ match, spec }) => 'group' in match && groups.includes(match.group) && spec.modelTier === 'opus',
  );
  return opus ? 'opus' : 'sonnet';
}

/** The first user whose agent is not as the directory says, and how. */
export function unfinished(world: IntakeWorld): string | undefined {
  const { company, documents, file } = world;
  for (const person of company.everybody()) {
    const agentId = toAgentId(planeId, person.id, hashing.sha256);
    const groups = company.groupsOf(person.id);
    const runs = shouldRun(person.deleted ? undefined : toIdentity(person, groups), file.plane, company.switches);
    const wanted: Wanted = { agentId, email: person.email, runs, machineType: 'e2-medium', region: 'r1' };
    const agent = documents.peek('agents', agentId);
    const tier = tierOf(person, groups, world);
    const published = person.fields['agentStatus'];
    const difference =
      differs(world, wanted) ??
      (runs && agent?.ownerEmail !== person.email ? `agent of ${agent?.ownerEmail}` : undefined) ??
      (runs && agent?.ouPath !== person.ouPath ? `agent in ${agent?.ouPath}` : undefined) ??
      (runs && tier !== undefined && agent?.spec.modelTier !== tier ? `${agent?.spec.modelTier} instead of ${tier}` : undefined) ??
      (runs && !agent?.paused && !String(published).startsWith('running') ? `published as ${String(published)}` : undefined);
    if (difference !== undefined) return `${agentId} of ${person.id} is not as the directory says: ${difference}`;
  }
  return undefined;
}

/** Faults end and admins approve what waits; then every agent must be as the directory says. */
async function settle(world: IntakeWorld): Promise<string | undefined> {
  const { clock, stage, workers, company, directory, told, signals, documents, random } = world;
  random.reseed(1);
  stage.faults = noFaults;
  directory.faults = noDirectoryFaults;
  told.faults = noSignalFaults;
  disturb(stage, afterMs + 150_000);
  directory.outUntil = 0;
  for (const worker of workers) [worker.crash, worker.stall] = [undefined, undefined];
  const until = clock.now() + patienceMs;
  let adminAt = clock.now();
  if (signals.switchesLost()) {
    // Nobody can read a switch back: it is known once it is moved again.
    const former = [...company.switches];
    company.install(company.switches.get('organization') ?? true);
    for (const [scope, on] of former) {
      await clock.advance(clock.now() + 50, world.violated);
      company.toggle(scope, on);
    }
  }
  while (clock.now() < until) {
    const violation = await pass(world, 20_000);
    if (violation !== undefined) return violation;
    if (unfinished(world) === undefined) break;
    if (clock.now() < adminAt + adminMs) continue;
    adminAt = clock.now();
    for (const [at, [, { state }]] of [...documents.entries('approvals')].entries())
      if (state === 'waiting' || state === 'denied') decide(world, at, 'approve');
  }
  const left = unfinished(world);
  if (left !== undefined) return `9: ${left}`;
  const refusal = await checkTokens(world);
  if (refusal !== undefined) return refusal;
  const { faults } = await verifyAll(documents, hashing);
  return faults[0] && `8: chain ${faults[0].chain} row ${faults[0].seq}: ${faults[0].fault}`;
}

/** Whatever is lost and whatever fails: a token that outlived its owner's access for too long. */
async function findUnended(world: IntakeWorld): Promise<string | undefined> {
  for (const [userId, since] of world.company.inactiveSince) {
    if (world.clock.now() <= since + tokenMs) continue;
    const agentId = toAgentId(planeId, userId, hashing.sha256);
    const kind = await firstAccepted(world, agentId);
    if (kind !== undefined) return `unended: a ${kind} token of ${agentId} is accepted fifteen minutes after its owner left`;
  }
  return undefined;
}

async function pass(world: IntakeWorld, ms: number): Promise<string | undefined> {
  await world.clock.advance(world.clock.now() + ms, world.violated);
  return world.check() ?? (await findUnended(world)) ?? (world.refusalsDue() ? checkTokens(world) : undefined);
}

/** A long pause is looked into more than once. */
const glanceMs = 5 * 60_000;

export async function runIntakeHistory({ seed, workers, plane, mood, commands }: IntakeHistory): Promise<Outcome> {
  const world = createIntakeWorld({ seed, workers, plane });
  const { clock, random, stage, told, directory, signals, documents } = world;
  const giveBack = lendPlatform(clock);
  const startedAt = clock.now();
  const outcome = (steps: number, violation: string | undefined): Outcome => {
    const asked = [...documents.entries('approvals')].filter(([, { state }]) => state !== 'counting').length;
    const tally: IntakeTally = {
      ...stage.tally,
      ...{ reads: directory.reads, signals: signals.tally.told, signalsLost: signals.tally.lost },
      ...{ approvalsAsked: asked, approvalsDecided: told.decided },
    };
    return { steps, tally, virtualMs: clock.now() - startedAt, ...(violation === undefined ? {} : { violation }) };
  };
  try {
    if (mood === 'deaf') told.faults = { ...noSignalFaults, lost: 1 };
    for (const [at, command] of commands.entries()) {
      random.reseed(command.seed);
      perform(world, command);
      for (let left = command.ms; left > 0; left -= glanceMs) {
        const violation = await pass(world, Math.min(left, glanceMs));
        if (violation !== undefined) return outcome(at + 1, violation);
      }
    }
    return outcome(commands.length, await settle(world));
  } finally {
    giveBack();
  }
}
