import type { Activity, ActivityApplication } from '../../functions/core/providers.ts';
import type { VirtualClock } from './clock.ts';
import type { Teller } from './directory-company.ts';
import type { Random } from './random.ts';

/** How the directory's signals get lost, each as a probability. */
export interface SignalFaults {
  readonly lost: number;
  readonly doubled: number;
  readonly late: number;
}
export const noSignalFaults: SignalFaults = { lost: 0, doubled: 0, late: 0 };

export interface SignalsDeps {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly faults: () => SignalFaults;
  readonly onPush: (channelId: string, userId: string, state: string) => void;
  /** An entry comes by way of the log sink. */
  readonly onEntry: (entry: Activity) => void;
}

interface Entry extends Activity {
  /** From when the log shows it. */
  readonly shownAt: number;
}

/** A poll reads ten minutes again: what appears later than that is never seen there. */
const latestMs = 9.5 * 60_000;
const keptMs = 25 * 3_600_000;

/** What the directory tells of itself, by three ways that all lose, double and delay. */
export function createSignals({ clock, random, faults, onPush, onEntry }: SignalsDeps) {
  const channels = new Map<string, number>();
  let log: Entry[] = [];
  const lost = new Set<string>();
  const tally = { told: 0, lost: 0 };
  let serial = 0;

  /** When a signal arrives: never, once or twice. */
  function arrivals(soonMs: number, lateMs: number): number[] {
    const { lost: chance, doubled, late } = faults();
    tally.told += 1;
    if (random.chance(chance)) {
      tally.lost += 1;
      return [];
    }
    const once = (): number => clock.now() + (random.chance(late) ? random.between(soonMs, lateMs) : random.between(20, soonMs));
    return random.chance(doubled) ? [once(), once()] : [once()];
  }

  function entry(
    application: ActivityApplication,
    name: string,
    parameters: Readonly<Record<string, string>>,
    actor = 'admin@acme.test',
  ): void {
    serial += 1;
    const activity: Activity = {
      id: `${clock.now()}000/${serial}`,
      at: clock.now(),
      application,
      actor,
      events: [{ name, parameters }],
    };
    const [shownAt] = arrivals(120_000, latestMs);
    // A switch that no way told of is not known to anybody but the directory.
    const scope = parameters['GROUP_EMAIL'] ?? parameters['ORG_UNIT_NAME'] ?? 'application';
    const switched = name === 'TOGGLE_SERVICE_ENABLED' || name.endsWith('_APPLICATION');
    if (switched) lost.delete(scope);
    if (shownAt !== undefined) log.push({ ...activity, shownAt });
    else if (switched) lost.add(scope);
    if (log.length > 400) log = log.filter(({ at }) => at > clock.now() - keptMs).slice(-400);
    for (const at of arrivals(30_000, 20 * 60_000)) clock.schedule(at, () => onEntry(activity));
  }

  return {
    entry,
    push(userId: string, state: Parameters<Teller['push']>[1]): void {
      for (const [id, expiresAt] of channels)
        if (expiresAt > clock.now()) for (const at of arrivals(1_500, 15 * 60_000)) clock.schedule(at, () => onPush(id, userId, state));
    },
    entriesSince: (application: ActivityApplication, since: number): Activity[] =>
      log.filter((each) => each.application === application && each.at >= since && each.shownAt <= clock.now()).toReversed(),
    open(id: string, expiresAt: number) {
      channels.set(id, expiresAt);
      return { resourceId: 'users', expiresAt };
    },
    close: (id: string): void => void channels.delete(id),
    /** Whether a switch was made that the log never told of. */
    switchesLost: () => lost.size > 0,
    tally,
  };
}
export type Signals = ReturnType<typeof createSignals>;
