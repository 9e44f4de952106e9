/** Whether an org unit is another or below it. The Directory takes paths for alike whatever their case. */
export function isInUnit(ouPath: string, ou: string): boolean {
  const [path, top] = [ouPath.toLowerCase(), ou.toLowerCase().replace(/\/+$/, '')];
  return path === top || path.startsWith(`${top}/`);
}
