/** A thing that remembers what it was a moment ago. */
export interface Timeline<T> {
  /** As of a moment; `undefined` before the first and after an end. */
  at(moment: number): T | undefined;
  /** What it is in the end, even where that does not show yet. */
  latest(): T | undefined;
  /** From a moment on; never before one that was put earlier. */
  put(since: number, thing: T | undefined): void;
}

const kept = 40;

export function createTimeline<T>(): Timeline<T> {
  const versions: { readonly since: number; readonly thing: T | undefined }[] = [];
  return {
    at: (moment) => versions.findLast(({ since }) => since <= moment)?.thing,
    latest: () => versions.at(-1)?.thing,
    put(since, thing) {
      versions.push({ since: Math.max(since, versions.at(-1)?.since ?? since), thing });
      if (versions.length > kept) versions.shift();
    },
  };
}
