import { admin, type admin_directory_v1 } from '@googleapis/admin';
import { z } from 'zod';
import { PlaneError, toMessage, type ErrorCode } from '../../core/errors.ts';

export type Directory = admin_directory_v1.Admin;

/** The Directory API client; `rootUrl` points it elsewhere than Google, for the embedded plane's emulator. */
export const createDirectory = (options: { rootUrl?: string; fetchImplementation?: typeof fetch }): Directory =>
  admin({ version: 'directory_v1', ...options });

const quotaReasons: ReadonlySet<string> = new Set(['userRateLimitExceeded', 'rateLimitExceeded', 'quotaExceeded']);

interface GoogleFailure {
  readonly status: number | undefined;
  readonly reasons: readonly string[];
}

const failureSchema = z.object({
  status: z.coerce.number().int().optional(),
  response: z
    .object({
      status: z.number().optional(),
      data: z
        .object({ error: z.object({ errors: z.array(z.object({ reason: z.string() })) }) })
        .optional()
        .catch(undefined),
    })
    .optional()
    .catch(undefined),
});

/** Where googleapis-common 8 puts them: the status on the error, the reasons in the answer's body. */
function toFailure(error: unknown): GoogleFailure {
  const { data } = failureSchema.safeParse(error);
  const reasons = data?.response?.data?.error.errors.map(({ reason }) => reason) ?? [];
  return { status: data?.status ?? data?.response?.status, reasons };
}

function toCode({ status, reasons }: GoogleFailure, error: unknown): ErrorCode {
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) return 'timeout';
  if (reasons.some((reason) => quotaReasons.has(reason)) || status === 429) return 'tooManyRequests';
  switch (status) {
    case 400:
      return 'invalid';
    case 401:
    case 403:
      return 'forbidden';
    case 404:
      return 'notFound';
    case 409:
      return 'conflict';
    case 412:
      return 'preconditionFailed';
    default:
      return 'unavailable';
  }
}

/** The one mapping from Google's errors to ours; `what` completes "cannot …". */
export function toPlaneError(error: unknown, what: string): PlaneError {
  const failure = toFailure(error);
  const code = toCode(failure, error);
  const remedy = code === 'forbidden' ? 'check the scopes and admin role of the plane' : 'it is tried again';
  return new PlaneError(code, `cannot ${what}: ${toMessage(error)}; ${remedy}`, { cause: error });
}

/** Runs a Google call; a 404 is an answer (`undefined`), everything else is thrown as ours. */
export async function orAbsent<T>(what: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    const mapped = toPlaneError(error, what);
    if (mapped.code === 'notFound') return undefined;
    throw mapped;
  }
}

export async function orThrow<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toPlaneError(error, what);
  }
}
