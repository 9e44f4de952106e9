import { PlaneError, toMessage, type ErrorCode } from '../core/errors.ts';

interface Sentence {
  readonly code: ErrorCode;
  readonly remedy: string;
}

const again = 'it is tried again';
/** By status code of gRPC (grpc.io/docs/guides/status-codes); what is not here is a fault of ours. */
const sentences: Readonly<Record<number, Sentence>> = {
  1: { code: 'unavailable', remedy: again },
  2: { code: 'unavailable', remedy: again },
  3: { code: 'invalid', remedy: 'it is not tried again unchanged' },
  4: { code: 'timeout', remedy: again },
  5: { code: 'notFound', remedy: 'make the database or name another' },
  6: { code: 'conflict', remedy: 'read it again first' },
  7: { code: 'forbidden', remedy: 'give the service account of the plane the role roles/datastore.user' },
  8: { code: 'tooManyRequests', remedy: 'wait, or raise the quota of the project' },
  9: { code: 'preconditionFailed', remedy: 'deploy manifests/firestore.indexes.json' },
  10: { code: 'unavailable', remedy: again },
  14: { code: 'unavailable', remedy: again },
  // Whoever asked the plane is known to it: it is the plane that Firestore does not know.
  16: { code: 'forbidden', remedy: 'give the plane credentials of Google Cloud' },
};
const fault: Sentence = { code: 'internal', remedy: again };
const aborted = 10;

function toStatus(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}

/** Whether other transactions were in the way: nothing was changed, and running it again may work. */
export const isContention = (error: unknown): boolean => toStatus(error) === aborted;

/** The one mapping from errors of gRPC to ours; `what` completes "cannot …". */
export function toPlaneError(error: unknown, what: string): PlaneError {
  if (error instanceof PlaneError) return error;
  const { code, remedy } = sentences[toStatus(error) ?? -1] ?? fault;
  return new PlaneError(code, `cannot ${what}: ${toMessage(error)}; ${remedy}`, { cause: error });
}

export async function explaining<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toPlaneError(error, what);
  }
}
