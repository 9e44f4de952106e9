/** What a test or a bench reads to say what a signal costs. */
export interface CallCounts {
  readonly total: number;
  /** By Google's method ids, such as `directory.users.get`; refused calls count as well. */
  readonly byMethod: Readonly<Record<string, number>>;
}

export interface Calls {
  count(methodId: string): void;
  read(): CallCounts;
  reset(): void;
}

export function createCalls(): Calls {
  const counts = new Map<string, number>();
  return {
    count: (methodId) => void counts.set(methodId, (counts.get(methodId) ?? 0) + 1),
    read: () => ({ total: [...counts.values()].reduce((sum, count) => sum + count, 0), byMethod: Object.fromEntries(counts) }),
    reset: () => counts.clear(),
  };
}
