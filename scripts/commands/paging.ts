/** Everything of a list, page by page; no more than `most`. */
export async function readAll<T>(
  read: (cursor: string | undefined) => Promise<{ readonly items: readonly T[]; readonly next: string | null }>,
  most = Infinity,
): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  do {
    const { items, next } = await read(cursor);
    all.push(...items);
    cursor = next ?? undefined;
  } while (cursor !== undefined && all.length < most);
  return all.length > most ? all.slice(0, most) : all;
}
