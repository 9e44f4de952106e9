import type { Part } from '../../functions/core/part.ts';
import type { Owner } from '../../functions/core/providers.ts';
import type { PartName } from '../../functions/core/records.ts';
import type { VirtualClock } from './clock.ts';
import type { Random } from './random.ts';

/** Where a process dies: just before or just after its next effect but `left`. */
export interface CrashPlan {
  left: number;
  readonly side: 'before' | 'after';
}

/** One process of the plane. A crash ends its life: no continuation of that life ever runs again. */
export interface Worker {
  readonly name: string;
  life: number;
  up: boolean;
  stalledUntil: number;
  crash: CrashPlan | undefined;
  /** Stops for so long after its next effect but `left`, in the middle of whatever it does. */
  stall: { left: number; readonly ms: number } | undefined;
  /** Keys that this process is at work on. */
  readonly busy: Set<string>;
}

export type Look = 'ours' | 'foreign' | 'absent' | 'failed';

/** One run of one process: what it does goes through ports of its own, so that the invariants know who did what. */
export interface Session {
  readonly worker: Worker;
  readonly life: number;
  readonly startedAt: number;
  /** What it runs: a key of the schedule, or a word for what a caller asked. */
  readonly key: string;
  /** The fence of the lease this run took. */
  fence: number | undefined;
  /** The verbs of effects whose audit rows are written and which have not ended, by part. */
  readonly open: Map<string, string>;
  /** What this run last saw of each part. */
  readonly looks: Map<PartName, Look>;
  /** Parts of which a look or a verb was refused by the provider in this run. */
  readonly refused: Set<PartName>;
  /** Parts that this run has tried to revoke. */
  readonly attempted: Set<PartName>;
  /** The store refused something in this run. */
  storeRefused: boolean;
}

export const openSession = (worker: Worker, key: string, clock: VirtualClock): Session => ({
  worker,
  life: worker.life,
  startedAt: clock.now(),
  key,
  fence: undefined,
  open: new Map(),
  looks: new Map(),
  refused: new Set(),
  attempted: new Set(),
  storeRefused: false,
});

/** What can go wrong with a call, each as a probability. */
export interface Faults {
  /** Refused before it has any effect. */
  readonly error: number;
  /** It takes effect, but the caller gets an error, perhaps before it does. */
  readonly lost: number;
  /** Never answered: rejects when its deadline has passed. */
  readonly hang: number;
  /** A look or list shows an old state. */
  readonly stale: number;
  /** A commit of the store is refused, or is durable and answers an error. */
  readonly store: number;
  /** A hint is lost, doubled or late. */
  readonly hint: number;
  /** A call takes seconds rather than milliseconds. */
  readonly slow: number;
}

export const noFaults: Faults = { error: 0, lost: 0, hang: 0, stale: 0, store: 0, hint: 0, slow: 0 };

export interface Tally {
  verbs: number;
  commits: number;
  crashesBefore: number;
  crashesAfter: number;
  faults: number;
  stalls: number;
  /** Calls that a model's maker took, and callers whose budget had no room for theirs. */
  modelCalls: number;
  modelRefusals: number;
  /** Calls of agents for what is not theirs, and answers that admins were shown. */
  knocks: number;
  shown: number;
}

/** What the ports of all processes share. */
export interface Stage {
  readonly clock: VirtualClock;
  readonly random: Random;
  faults: Faults;
  /** Nothing that went wrong before can still delay anything that is asked for after this time. */
  restlessUntil: number;
  /** Providers that answer nothing but errors until then. */
  readonly outages: Map<string, number>;
  readonly tally: Tally;
  /** Dies at an effect counted over all processes, for the systematic test. */
  crashAnywhere: CrashPlan | undefined;
  /** The names of the effects so far, when somebody wants them. */
  effectNames: string[] | undefined;
  onCrash(worker: Worker): void;
}

export function createStage(clock: VirtualClock, random: Random): Stage {
  return {
    clock,
    random,
    faults: noFaults,
    restlessUntil: 0,
    outages: new Map(),
    tally: {
      ...{ verbs: 0, commits: 0, crashesBefore: 0, crashesAfter: 0, faults: 0, stalls: 0 },
      ...{ modelCalls: 0, modelRefusals: 0, knocks: 0, shown: 0 },
    },
    crashAnywhere: undefined,
    effectNames: undefined,
    onCrash: (worker) => clock.schedule(clock.now() + random.between(500, 60_000), () => (worker.up = true)),
  };
}

export const isFaulty = ({ faults }: Stage): boolean => Object.values(faults).some((chance: number) => chance > 0);

export const alive = ({ worker, life }: Session): boolean => worker.up && worker.life === life;

/** Lets a run go on at a time: not at all when its process died, later when its process is stalled. */
export function resume(stage: Stage, session: Session, at: number, go: () => void): void {
  stage.clock.schedule(at, () => {
    if (!alive(session)) return;
    const { stalledUntil } = session.worker;
    if (stalledUntil > stage.clock.now()) resume(stage, session, stalledUntil, go);
    else go();
  });
}

export const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

/** Counts one effect and says on which side of it its process dies, if it does. */
export function countEffect(stage: Stage, session: Session, name: string): 'before' | 'after' | undefined {
  stage.effectNames?.push(name);
  const due = (plan: CrashPlan | undefined): boolean => {
    if (!plan) return false;
    plan.left -= 1;
    return plan.left < 0;
  };
  const { worker } = session;
  const [here, anywhere, { stall }] = [worker.crash, stage.crashAnywhere, worker];
  if (stall && (stall.left -= 1) < 0) {
    worker.stall = undefined;
    pause(stage, worker, stall.ms);
  }
  if (due(here)) {
    worker.crash = undefined;
    return here?.side;
  }
  if (due(anywhere)) {
    stage.crashAnywhere = undefined;
    return anywhere?.side;
  }
  return undefined;
}

/** How long a fault that is over may still hold up a pass: the lease of its victim, in milliseconds. */
export const afterMs = 35_000;

export function disturb(stage: Stage, ms: number): void {
  stage.restlessUntil = Math.max(stage.restlessUntil, stage.clock.now() + ms);
}

/** Holds up every continuation of a process. */
export function pause(stage: Stage, worker: Worker, ms: number): void {
  stage.tally.stalls += 1;
  worker.stalledUntil = Math.max(worker.stalledUntil, stage.clock.now() + ms);
  disturb(stage, ms + afterMs);
}

export function die(stage: Stage, worker: Worker, side: 'before' | 'after'): void {
  if (!worker.up) return;
  if (side === 'before') stage.tally.crashesBefore += 1;
  else stage.tally.crashesAfter += 1;
  worker.life += 1;
  worker.up = false;
  worker.crash = undefined;
  worker.stall = undefined;
  worker.stalledUntil = 0;
  worker.busy.clear();
  disturb(stage, 120_000);
  stage.onCrash(worker);
}

/** The same part, with every look at it noted. */
export function watchLooks(part: Part, session: Session, { planeId, agentId }: Owner): Part {
  const { looks, refused } = session;
  return {
    ...part,
    observe: async (ctx) => {
      try {
        const seen = await part.observe(ctx);
        const ours = seen.state === 'present' && seen.owner.planeId === planeId && seen.owner.agentId === agentId;
        looks.set(part.name, seen.state === 'absent' ? 'absent' : ours ? 'ours' : 'foreign');
        return seen;
      } catch (error) {
        looks.set(part.name, 'failed');
        refused.add(part.name);
        throw error;
      }
    },
  };
}
