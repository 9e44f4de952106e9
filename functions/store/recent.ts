/** The texts of documents that were read or written last; what is not known is `undefined`, what is not there `null`. */
export interface Recent {
  get(key: string): string | null | undefined;
  set(key: string, text: string | null): void;
  clear(): void;
}

/** Keeps at most so many characters, keys among them; those that were used longest ago go first. */
export function createRecent(mostChars: number): Recent {
  const texts = new Map<string, string | null>();
  let chars = 0;
  const sizeOf = (key: string, text: string | null): number => key.length + (text?.length ?? 0);

  function forget(key: string): void {
    const text = texts.get(key);
    if (text === undefined) return;
    texts.delete(key);
    chars -= sizeOf(key, text);
  }

  return {
    get(key) {
      const text = texts.get(key);
      if (text === undefined) return undefined;
      texts.delete(key);
      texts.set(key, text);
      return text;
    },
    set(key, text) {
      forget(key);
      if (sizeOf(key, text) > mostChars / 100) return;
      texts.set(key, text);
      chars += sizeOf(key, text);
      for (const oldest of texts.keys()) {
        if (chars <= mostChars) break;
        forget(oldest);
      }
    },
    clear() {
      texts.clear();
      chars = 0;
    },
  };
}
