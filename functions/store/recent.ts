/** The texts of documents that were read or written last; what is not known is `undefined`, what is not there `null`. */
export interface Recent {
  get(key: string): string | null | undefined;
  set(key: string, text: string | null): void;
  clear(): void;
}

/**
 * Keeps at most so many characters, keys among them, in two generations: what is used comes into the young one, and once that is
 * half of all it becomes the old one, whose rest is forgotten. A map that gave up its oldest with each read would be rebuilt all the time.
 */
export function createRecent(mostChars: number): Recent {
  let young = new Map<string, string | null>();
  let old = new Map<string, string | null>();
  let youngChars = 0;
  const sizeOf = (key: string, text: string | null): number => key.length + (text?.length ?? 0);

  function put(key: string, text: string | null): void {
    const before = young.get(key);
    youngChars += sizeOf(key, text) - (before === undefined ? 0 : sizeOf(key, before));
    young.set(key, text);
    if (youngChars <= mostChars / 2) return;
    old = young;
    young = new Map();
    youngChars = 0;
  }

  function forget(key: string): void {
    const before = young.get(key);
    if (before !== undefined) youngChars -= sizeOf(key, before);
    young.delete(key);
    old.delete(key);
  }

  return {
    get(key) {
      const text = young.get(key);
      if (text !== undefined) return text;
      const former = old.get(key);
      if (former !== undefined) put(key, former);
      return former;
    },
    set(key, text) {
      if (sizeOf(key, text) > mostChars / 100) forget(key);
      else put(key, text);
    },
    clear() {
      young = new Map();
      old = new Map();
      youngChars = 0;
    },
  };
}
