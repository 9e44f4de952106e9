import type { ChangeDeps } from '../core/agents.ts';
import { activityApplications, type IdentityProvider } from '../core/providers.ts';
import { relookKey, type Handler } from '../core/schedule.ts';
import type { Ctx, Log } from '../core/surroundings.ts';
import type { Planes } from '../planes.ts';
import { createGroupLook, forgetMembers } from './groups.ts';
import { createLook } from './look.ts';
import { createPoll, createSignal, regroupKey } from './poll.ts';
import { createPublish } from './publish.ts';
import { groupsInForce } from './services.ts';
import { createRollCall, rollCall } from './roll-call.ts';
import { createWalk } from './walk.ts';
import { createWatch } from './watch.ts';

export interface IntakeDeps extends ChangeDeps {
  readonly planes: Planes;
  readonly identity: IdentityProvider;
  readonly log: Log;
  readonly breathe: () => Promise<void>;
  /** Where the directory is to call, as it sees us. */
  readonly address: string;
  /** A random text of at least 128 bits. */
  readonly random: () => string;
  /** Names and ids under which the directory's audit log speaks of our service. */
  readonly services: readonly string[];
  /** Accounts under which we write to the directory ourselves. */
  readonly ownAccounts: readonly string[];
  /** How many agents one look at many may create or remove through policy without asking; 25 unless said. */
  readonly mostUnasked?: number;
}

const minute = 60_000;

/** Google's admins can switch hints off and lose events; a walk misses nobody. All in milliseconds. */
const paces = {
  /** On demand, and once a day. */
  walk: { periodMs: 24 * 60 * minute, runMs: 10_000, restMs: 0 },
  /** Whatever else no signal told of is found within the hour, with room for a try that fails; who left, by the roll call. */
  rolling: { periodMs: 45 * minute, runMs: 0 },
} as const;

/** Once a minute is as often as a cloud's scheduler runs anything, and entries take minutes to appear. */
const pollMs = 30_000;

/** Everything by which the directory reaches the plane, and the plane's answer in the directory's own fields. */
export function createIntake(deps: IntakeDeps) {
  const { planes, identity, store } = deps;
  const groups = () => groupsInForce(planes, store);
  const look = createLook(deps);
  const lookAtGroup = createGroupLook(deps);
  const publish = createPublish({ identity, store, clock: deps.clock });
  const watch = createWatch(deps);
  const walk = createWalk(deps);
  const callTheRoll = createRollCall({
    identity,
    store,
    clock: deps.clock,
    look: (ownerId, ctx) => look(ownerId, ctx, { mayFlip: false }),
  });
  const signal = createSignal({ ...deps, decidingGroups: groups });
  const poll = createPoll({ ...deps, signal });
  const ctxOf = (aborts: AbortSignal): Ctx => ({ signal: aborts, log: deps.log });
  const ofGroup: Handler = async (group, aborts) => {
    if ((await groups()).includes(group)) return lookAtGroup(group, ctxOf(aborts));
    await forgetMembers(store, group);
    return undefined;
  };

  /** A timer may have been set before the row was put off; then this is how long to wait, in milliseconds. */
  async function waitFor(key: string): Promise<number | undefined> {
    const waitMs = ((await store.get('schedule', key))?.dueAt ?? 0) - deps.clock.now();
    return waitMs > 0 ? waitMs : undefined;
  }

  const handlers: Readonly<Record<string, Handler>> = {
    look: (userKey, aborts) => look(userKey, ctxOf(aborts)).then(() => undefined),
    review: (userId, aborts) => look(userId, ctxOf(aborts), { mayEnd: false }).then(() => undefined),
    check: (userId, aborts) => look(userId, ctxOf(aborts), { mayFlip: false }).then(() => undefined),
    refresh: (userId, aborts) => look(userId, ctxOf(aborts), { mayEnd: false, mayFlip: false }).then(() => undefined),
    async relook(userId, aborts) {
      const waitMs = await waitFor(relookKey(userId));
      if (waitMs !== undefined) return waitMs;
      const held = await store.query('agents', 'byOwner', { from: userId, before: `${userId}\u0000`, limit: 100 });
      if (held.some(({ desired }) => desired === 'running')) await look(userId, ctxOf(aborts));
      return undefined;
    },
    publish: (agentId, aborts) => publish(agentId, ctxOf(aborts)),
    group: ofGroup,
    // Nested membership lags up to ten minutes: what an event told of is listed once more.
    async regroup(group, aborts) {
      const waitMs = await waitFor(regroupKey(group));
      if (waitMs === undefined) await ofGroup(group, aborts);
      return waitMs;
    },
  };
  const errands: Readonly<Record<string, (ctx: Ctx) => Promise<number>>> = {
    watch,
    walk: (ctx) => walk('walk', paces.walk, ctx),
    rolling: (ctx) => walk('rolling', paces.rolling, ctx),
    [rollCall]: callTheRoll,
    ...Object.fromEntries(
      activityApplications.map((application) => [
        `poll-${application}`,
        (ctx: Ctx) => poll(application, ctx).then(({ more }) => (more ? 0 : pollMs)),
      ]),
    ),
  };
  return { look, signal, handlers, errands };
}
