import { inspect } from 'node:util';
import type { ProblemAnswer } from '../../shared/contract.ts';
import { toProblems, toSentence } from '../../shared/problem.ts';
import { errorTable, PlaneError } from '../core/errors.ts';
import type { Log } from '../core/surroundings.ts';
import type { z } from 'zod';

const titles: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not signed in',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  412: 'Changed meanwhile',
  415: 'Not a type we read',
  422: 'Not to be done',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Not available',
  504: 'Timed out',
};

export interface ProblemOptions {
  /** For callers who do not run the plane: what a fault of ours says (paths, addresses) is not for them. */
  readonly hideFaults?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** In seconds. */
const retryAfter: Readonly<Record<number, string>> = { 429: '1', 503: '5' };

/** What was thrown as RFC 9457 problem details; a fault of ours is logged with its causes, an unforeseen one answered without its text. */
export function toProblemResponse(
  error: unknown,
  requestId: string,
  log: Log,
  { hideFaults = false, headers = {} }: ProblemOptions = {},
): Response {
  const code = error instanceof PlaneError ? error.code : 'internal';
  const { status } = errorTable[code];
  const told = error instanceof PlaneError && error.told;
  if (status >= 500 && !told) log.warn('request failed', { requestId, error: inspect(error) });
  const known = error instanceof PlaneError && (told || !(hideFaults && status >= 500)) ? error : undefined;
  const answer: ProblemAnswer = {
    type: 'about:blank',
    title: titles[status] ?? 'Error',
    status,
    code,
    detail: known?.message ?? `cannot answer: something unforeseen happened; quote request ${requestId} when you ask for help`,
    requestId,
    ...(known && known.problems.length > 0 ? { problems: [...known.problems] } : {}),
  };
  return new Response(JSON.stringify(answer), {
    status,
    headers: {
      ...headers,
      ...{ 'content-type': 'application/problem+json', 'x-request-id': requestId, 'cache-control': 'no-store' },
      ...(retryAfter[status] === undefined ? {} : { 'retry-after': retryAfter[status] }),
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    },
  });
}

/** Reads outside input by its schema, or refuses with every problem at once. */
export function read<T>(schema: z.ZodType<T>, input: unknown, what: string): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const problems = toProblems(result.error, input);
  throw new PlaneError('invalid', `cannot accept ${what}: ${problems.map(toSentence).join('; ')}`, { problems });
}

async function readText(request: Request, limitBytes: number): Promise<string> {
  const refuse = (): never => {
    throw new PlaneError('invalid', `cannot accept the request body: it is larger than ${limitBytes} bytes; send less at once`);
  };
  if (Number(request.headers.get('content-length')) > limitBytes) refuse();
  const decoder = new TextDecoder();
  let [text, size] = ['', 0];
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > limitBytes) refuse();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** The body of a request as JSON, `{}` without one; no more than the limit is ever held. */
export async function readJson(request: Request, limitBytes = 1_000_000): Promise<unknown> {
  const text = await readText(request, limitBytes);
  if (text === '') return {};
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new PlaneError('invalid', 'cannot accept the request body: it is not JSON', { cause });
  }
}

export function bearer(request: Request): string | undefined {
  return /^Bearer (\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
}
