import { lendPlatform } from './clock.ts';
import { agentOf, perform, type Action } from './commands.ts';
import { unfinished } from './ending.ts';
import { settle } from './history.ts';
import type { CrashPlan } from './session.ts';
import { createWorld, type World } from './world.ts';

const edit = (change: Extract<Action, { do: 'edit' }>['change']): Action => ({ do: 'edit', user: 0, change });

/** What an agent goes through in a standard life; each step is done when the world is as it says. */
const life: readonly { readonly action: Action; readonly done: (world: World) => boolean }[] = [
  { action: edit({ enabled: true }), done: reached },
  { action: edit({ machineType: 'e2-standard-2' }), done: reached },
  { action: { do: 'restart', user: 0 }, done: (world) => reached(world) && recordOf(world)?.restarts === 1 },
  { action: { do: 'pause', user: 0 }, done: (world) => reached(world) && recordOf(world)?.paused !== undefined },
  { action: { do: 'resume', user: 0 }, done: (world) => reached(world) && recordOf(world)?.paused === undefined },
  { action: { do: 'rotate', user: 0 }, done: (world) => reached(world) && recordOf(world)?.secretsVersion === 2 },
  { action: { do: 'replace', user: 0 }, done: (world) => reached(world) && recordOf(world)?.replacements === 1 },
  { action: edit({ suspended: true }), done: reached },
  { action: edit({ suspended: false }), done: reached },
  { action: edit({ deleted: true }), done: reached },
];

function recordOf(world: World) {
  return world.documents.peek('agents', agentOf(world, 0));
}
function reached(world: World): boolean {
  return unfinished(world) === undefined;
}

/** Whether what an admin asked for is not in the record. */
function isLost(world: World, { do: ask }: Action): boolean {
  const { restarts = 0, paused, secretsVersion = 1, replacements = 0 } = recordOf(world) ?? {};
  if (ask === 'restart') return restarts === 0;
  if (ask === 'pause') return !paused;
  if (ask === 'resume') return paused !== undefined;
  if (ask === 'rotate') return secretsVersion === 1;
  return ask === 'replace' && replacements === 0;
}

const patienceMs = 15 * 60_000;

export interface Lived {
  readonly violation: string | undefined;
  /** The names of all effects, in order. */
  readonly effects: readonly string[];
  readonly crashed: boolean;
}

/** Lives the standard life, with one crash on one side of one effect. */
export async function live(crash: CrashPlan | undefined): Promise<Lived> {
  const world = createWorld({ seed: 7, users: 1, workers: 2 });
  const { clock, stage, invariants } = world;
  const giveBack = lendPlatform(clock);
  stage.crashAnywhere = crash && { ...crash };
  stage.effectNames = [];
  const answer = (violation: string | undefined): Lived => {
    const { crashesBefore, crashesAfter } = stage.tally;
    return { violation, effects: stage.effectNames ?? [], crashed: crashesBefore + crashesAfter > 0 };
  };
  try {
    for (const { action, done } of life) {
      const until = clock.now() + patienceMs;
      perform(world, action);
      let askedAt = clock.now();
      while (!done(world)) {
        if (clock.now() > until) return answer(`9: ${JSON.stringify(action)} is not done: ${unfinished(world) ?? 'not asked for'}`);
        await clock.advance(clock.now() + 500, invariants.violated);
        const violation = world.check();
        if (violation !== undefined) return answer(violation);
        // A click that was lost in a crash is clicked again.
        if (isLost(world, action) && clock.now() > askedAt + 30_000) {
          askedAt = clock.now();
          perform(world, action);
        }
      }
    }
    // The last run still ends its row of the schedule.
    await clock.advance(clock.now() + 1_000, invariants.violated);
    return answer(await settle(world));
  } finally {
    giveBack();
  }
}
