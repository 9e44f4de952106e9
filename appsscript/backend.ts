import type { Answer, Operation, ProblemAnswer } from '../shared/contract.ts';
import type { Call } from './calls/call.ts';

/** Why an answer did not come. `detail` is a sentence of the backend's own, fit for people. */
export interface Failure {
  readonly kind:
    'unreachable' | 'slow' | 'foreign' | 'unauthenticated' | 'forbidden' | 'notFound' | 'conflict' | 'invalid' | 'busy' | 'broken';
  readonly detail?: string;
  readonly requestId?: string;
}

export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

export interface Backend {
  /** All at once, side by side; the answers stand in the order of the calls. */
  readonly call: <C extends readonly Call<Operation>[]>(
    ...calls: C
  ) => { readonly [K in keyof C]: C[K] extends Call<infer O> ? Result<Answer<O>> : never };
}

/** What this needs of UrlFetchApp. */
export interface Fetcher {
  fetchAll(
    requests: {
      url: string;
      method: Call<Operation>['method'];
      headers: Record<string, string>;
      muteHttpExceptions: boolean;
      followRedirects: boolean;
      contentType?: string;
      payload?: string;
    }[],
  ): { getResponseCode(): number; getContentText(): string }[];
}

export interface BackendOptions {
  readonly baseUrl: string;
  /** The identity token: an access token would hand over the admin's own powers. */
  readonly token: string;
  readonly fetcher: Fetcher;
  /** Milliseconds since this execution began. */
  readonly elapsedMs: () => number;
}

/**
 * Google cuts an execution at 30 s and shows a message of its own; the plane answers within 20 s, if only to say that it cannot. So
 * nothing more is asked once this much has passed.
 */
const lastStartMs = 8_000;

function toFailureKind(status: number): Failure['kind'] {
  switch (status) {
    case 401:
      return 'unauthenticated';
    case 403:
      return 'forbidden';
    case 404:
      return 'notFound';
    case 409:
    case 412:
      return 'conflict';
    case 400:
    case 422:
      return 'invalid';
    case 429:
    case 503:
      return 'busy';
    case 504:
      return 'slow';
    default:
      return 'broken';
  }
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function toResult<T>(status: number, text: string): Result<T> {
  const body = parseObject(text);
  if (status >= 200 && status < 300) {
    // The parse edge: our own backend answers by the table of shared/contract.ts.
    return body ? { ok: true, value: body as T } : { ok: false, failure: { kind: 'foreign' } };
  }
  const { detail, requestId }: Partial<ProblemAnswer> = body ?? {};
  // A refusal that is not ours came from something in between: a proxy, a sign-in page, a wrong address.
  if (typeof detail !== 'string' && (status === 404 || status === 403 || status < 400)) return { ok: false, failure: { kind: 'foreign' } };
  return {
    ok: false,
    failure: {
      kind: toFailureKind(status),
      ...(typeof detail === 'string' ? { detail } : {}),
      ...(typeof requestId === 'string' ? { requestId } : {}),
    },
  };
}

/** Speaks to the plane as the signed-in admin. */
export function createBackend({ baseUrl, token, fetcher, elapsedMs }: BackendOptions): Backend {
  const root = baseUrl.replace(/\/+$/, '');

  function fetchAll(calls: readonly Call<Operation>[]): Result<unknown>[] {
    if (elapsedMs() > lastStartMs) return calls.map(() => ({ ok: false, failure: { kind: 'slow' } }));
    try {
      return fetcher
        .fetchAll(
          calls.map(({ method, path, body }) => ({
            url: root + path,
            method,
            headers: { Authorization: `Bearer ${token}`, Accept: 'application/json' },
            muteHttpExceptions: true,
            followRedirects: false,
            ...(body === undefined ? {} : { contentType: 'application/json', payload: JSON.stringify(body) }),
          })),
        )
        .map((response) => toResult(response.getResponseCode(), response.getContentText()));
    } catch (error) {
      // UrlFetchApp throws for what never got an answer: no such name, refused, timed out, not on the allowlist, daily quota.
      const detail = error instanceof Error ? error.message : String(error);
      return calls.map(() => ({ ok: false, failure: { kind: 'unreachable', detail } }));
    }
  }

  return { call: (...calls) => fetchAll(calls) as never };
}
