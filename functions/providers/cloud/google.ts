import { admin, type admin_directory_v1, type admin_reports_v1 } from '@googleapis/admin';
import { z } from 'zod';
import { PlaneError, toMessage, type ErrorCode } from '../../core/errors.ts';
import type { GoogleCaller } from './google-auth.ts';

export type Directory = admin_directory_v1.Admin;
export type Reports = admin_reports_v1.Admin;

export interface WorkspaceClientOptions {
  /** Who calls; from `createGoogleAuth`. Without it, nobody, which only the embedded plane's emulator takes. */
  readonly auth?: GoogleCaller;
  /** Elsewhere than Google, for the embedded plane's emulator. */
  readonly rootUrl?: string;
  readonly fetchImplementation?: typeof fetch;
}

/** Without the client's own retries: the schedule is the one retry layer, and each of them would take from the quota uncounted. */
const once = { retry: false } as const;

/** The Directory API client. */
export const createDirectory = (options: WorkspaceClientOptions): Directory => admin({ version: 'directory_v1', ...once, ...options });

/** The Reports API client: the audit log. */
export const createReports = (options: WorkspaceClientOptions): Reports => admin({ version: 'reports_v1', ...once, ...options });

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
  if (error instanceof PlaneError) return new PlaneError(error.code, `cannot ${what}: ${error.message}`, { cause: error });
  const failure = toFailure(error);
  const code = toCode(failure, error);
  const remedy = code === 'forbidden' ? 'check the scopes and admin role of the plane' : 'it is tried again';
  return new PlaneError(code, `cannot ${what}: ${toMessage(error)}; ${remedy}`, { cause: error });
}
