export interface Quota {
  /** Takes one query from the caller's minute; false where none is left. */
  take(caller: string): boolean;
}

interface Bucket {
  left: number;
  refilledAt: number;
}

const minuteMs = 60_000;
const mostBuckets = 1_000;

/** 2,400 queries a minute for each user of a project (Directory API limits), as a bucket that refills evenly. */
export function createQuota({ queriesPerMinute, now }: { queriesPerMinute: number; now: () => number }): Quota {
  const buckets = new Map<string, Bucket>();

  const forgetIdle = (time: number) => {
    for (const [caller, { refilledAt }] of buckets) if (time - refilledAt >= minuteMs) buckets.delete(caller);
  };

  return {
    take(caller) {
      const time = now();
      if (buckets.size >= mostBuckets) forgetIdle(time);
      const bucket = buckets.get(caller) ?? { left: queriesPerMinute, refilledAt: time };
      buckets.set(caller, bucket);
      bucket.left = Math.min(queriesPerMinute, bucket.left + ((time - bucket.refilledAt) / minuteMs) * queriesPerMinute);
      bucket.refilledAt = time;
      if (bucket.left < 1) return false;
      bucket.left -= 1;
      return true;
    },
  };
}
