/** What went wrong, whether trying again can help, and which HTTP status says it. */
export const errorTable = {
  invalid: { status: 400, retry: false },
  unauthenticated: { status: 401, retry: false },
  forbidden: { status: 403, retry: false },
  notFound: { status: 404, retry: false },
  methodNotAllowed: { status: 405, retry: false },
  conflict: { status: 409, retry: false },
  preconditionFailed: { status: 412, retry: false },
  unsupportedMediaType: { status: 415, retry: false },
  unprocessable: { status: 422, retry: false },
  tooManyRequests: { status: 429, retry: true },
  internal: { status: 500, retry: true },
  unavailable: { status: 503, retry: true },
  timeout: { status: 504, retry: true },
} as const satisfies Record<string, { status: number; retry: boolean }>;

export type ErrorCode = keyof typeof errorTable;

export class PlaneError extends Error {
  readonly code: ErrorCode;
  readonly problems: readonly { readonly path: string; readonly found: string; readonly allowed: string }[];
  /** Foreseen and said in the log by whoever threw it; its text is for every caller, whatever the code. */
  readonly told: boolean;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; problems?: PlaneError['problems']; told?: boolean } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'PlaneError';
    this.code = code;
    this.problems = options.problems ?? [];
    this.told = options.told ?? false;
  }
}

/** The message of anything that was thrown, without a stack. */
export const toMessage = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Anything that was thrown, as an error. */
export const toError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new PlaneError('internal', String(thrown), { cause: thrown });
