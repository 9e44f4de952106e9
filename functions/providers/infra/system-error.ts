/** The code of a system error such as ENOENT. Not by `instanceof`: in a test's own realm Node's errors are of another class. */
export const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';
