/** As the Directory tells org units apart: without regard to case. */
const fold = (path: string): string => path.toLowerCase().replace(/\/+$/, '');

/** Whether an org unit is another or below it. */
export function isInUnit(ouPath: string, ou: string): boolean {
  const [path, top] = [fold(ouPath), fold(ou)];
  return path === top || path.startsWith(`${top}/`);
}

export const isSameUnit = (a: string, b: string): boolean => fold(a) === fold(b);
