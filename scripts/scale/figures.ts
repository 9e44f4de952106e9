import type { Measured } from './load.ts';

/** How one kind of step went; milliseconds. */
export interface StepFigures {
  readonly step: string;
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly errors: number;
}

const at = (sorted: readonly number[], part: number): number => Number((sorted[Math.ceil(sorted.length * part) - 1] ?? 0).toFixed(1));

/** What was measured, step by step. */
export function toFigures({ times, failures }: Pick<Measured, 'times' | 'failures'>): readonly StepFigures[] {
  return Object.entries(times).map(([step, unsorted]) => {
    const sorted = unsorted.toSorted((a, b) => a - b);
    const failed = Object.entries(failures).filter(([what]) => what.startsWith(`${step}: `));
    const errors = failed.reduce((sum, [, often]) => sum + often, 0);
    return { step, count: sorted.length, p50Ms: at(sorted, 0.5), p99Ms: at(sorted, 0.99), maxMs: at(sorted, 1), errors };
  });
}
