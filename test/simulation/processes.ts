import { createRunner, type Handler, type Wake } from '../../functions/core/schedule.ts';
import type { Store } from '../../functions/core/store.ts';
import type { VirtualClock } from './clock.ts';
import type { Random } from './random.ts';
import { alive, openSession, type Session, type Stage, type Worker } from './session.ts';

/** What one run of one process works with. */
export interface Wired {
  readonly store: Store;
  readonly handlers: Readonly<Record<string, Handler>>;
}

export interface ProcessesDeps<W extends Wired> {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly stage: Stage;
  readonly workers: readonly Worker[];
  readonly runMs: number;
  /** Which keys are hinted at. */
  readonly hinted: (key: string) => boolean;
  readonly wire: (session: Session) => W;
  /** Told of every run that ended well. */
  readonly onDone?: (session: Session) => void;
}

const log = { info: () => undefined, warn: () => undefined };

export const createWorkers = (count: number): Worker[] =>
  Array.from({ length: count }, (_, at): Worker => {
    return { name: `w${at + 1}`, life: 0, up: true, stalledUntil: 0, crash: undefined, stall: undefined, busy: new Set() };
  });

/** The processes of a plane and the hints between them. */
export function createProcesses<W extends Wired>({ clock, random, stage, workers, runMs, hinted, wire, onDone }: ProcessesDeps<W>) {
  const ups = (): Worker[] => workers.filter(({ up }) => up);
  const workerFor = (): Worker | undefined => (ups().length > 0 ? random.pick(ups()) : undefined);

  /** A hint on its way to some process: it may be lost, doubled or late. */
  function hint(key: string, at: number): void {
    const { hint: chance } = stage.faults;
    if (random.chance(chance)) return;
    const late = random.chance(chance) ? random.between(0, 20_000) : random.between(1, 30);
    const deliver = (): void => {
      const worker = workerFor();
      if (worker) runKey(worker, key);
    };
    clock.schedule(at + late, deliver);
    if (random.chance(chance)) clock.schedule(at + random.between(0, 5_000), deliver);
  }
  const awaited = new Map<string, number>();
  /** As a named task does, a hint for later folds into one that waits for an earlier time. */
  function hintLater(key: string, at: number): void {
    const earlier = awaited.get(key) ?? 0;
    if (earlier > clock.now() && earlier <= at) return;
    awaited.set(key, at);
    hint(key, at);
  }
  const wake: Wake = {
    wake: (key, at) => {
      if (!hinted(key)) return;
      if (at === undefined || at <= clock.now()) hint(key, clock.now());
      else hintLater(key, at);
    },
    flush: async () => undefined,
  };

  /** Runs one key on one process, as the wake queue or a poll asks it to. */
  function runKey(worker: Worker, key: string): void {
    const session = openSession(worker, key, clock);
    const { store, handlers } = wire(session);
    const runner = createRunner({ store, clock, log, runMs, handlers });
    worker.busy.add(key);
    void runner
      .run(key)
      .then((dueAt) => {
        onDone?.(session);
        return dueAt !== undefined && hintLater(key, dueAt);
      })
      .catch(() => undefined) // The row is still due: a later poll runs it.
      .finally(() => alive(session) && worker.busy.delete(key));
  }

  /** What a process does for a caller: an admin's click, a directory event, a rolling read. */
  function act(key: string, work: (wired: W, session: Session) => Promise<unknown>, on = workerFor()): void {
    if (!on) return;
    const session = openSession(on, key, clock);
    void work(wire(session), session).catch(() => undefined); // The caller sees the error and tries again, or a later reading heals it.
  }

  /** Once a minute some process runs what is due. */
  function poll(): void {
    const worker = workerFor();
    if (!worker) return;
    const work = async ({ store }: W): Promise<void> => {
      const keys = await createRunner({ store, clock, log, handlers: {}, runMs }).due(50);
      for (const { key } of keys) if (!worker.busy.has(key)) runKey(worker, key);
    };
    act('poll', work, worker);
  }

  return { wake, hint, runKey, act, poll };
}
