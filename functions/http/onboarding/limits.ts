import type { Clock } from '../../core/surroundings.ts';

const windowMs = 60_000;
const mostKeys = 10_000;

/** Counts calls per key and minute, in this process; what must hold across processes is bounded in the store as well. */
export function createLimits(clock: Clock) {
  const windows = new Map<string, { readonly until: number; calls: number }>();
  /** Whether this call is within the limit. */
  return function permits(key: string, mostPerMinute: number): boolean {
    const now = clock.now();
    const open = windows.get(key);
    if (open && open.until > now) {
      open.calls += 1;
      return open.calls <= mostPerMinute;
    }
    windows.delete(key);
    const [oldest] = windows.keys();
    if (windows.size >= mostKeys && oldest !== undefined) windows.delete(oldest);
    windows.set(key, { until: now + windowMs, calls: 1 });
    return true;
  };
}
