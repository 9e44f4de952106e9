import { createHash } from 'node:crypto';
import type { z } from 'zod';

/** Google's reasons, each with its HTTP status. */
const statusOf = {
  backendError: 503,
  badRequest: 400,
  channelIdNotUnique: 400,
  conditionNotMet: 412,
  duplicate: 409,
  internalError: 500,
  invalid: 400,
  invalidParameter: 400,
  notFound: 404,
  parseError: 400,
  quotaExceeded: 403,
  'push.webhookUrlNotHttps': 400,
  rateLimitExceeded: 429,
  required: 400,
  userRateLimitExceeded: 403,
} as const;

export type Reason = keyof typeof statusOf;

const limits = new Set<Reason>(['quotaExceeded', 'rateLimitExceeded', 'userRateLimitExceeded']);

/** What the Directory API refuses, in the words of the real one where they are known. */
export class DirectoryError extends Error {
  readonly reason: Reason;

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'DirectoryError';
    this.reason = reason;
  }
}

export const notFound = (key: string): DirectoryError => new DirectoryError('notFound', `Resource Not Found: ${key}`);
export const invalid = (message: string): DirectoryError => new DirectoryError('invalid', message);
export const duplicate = (): DirectoryError => new DirectoryError('duplicate', 'Entity already exists.');
export const unsupported = (what: string): DirectoryError =>
  new DirectoryError('badRequest', `the Workspace emulator does not support ${what}`);

export function toResponse({ reason, message }: Pick<DirectoryError, 'reason' | 'message'>): Response {
  const domain = limits.has(reason) ? 'usageLimits' : 'global';
  const code = statusOf[reason];
  return Response.json({ error: { code, message, errors: [{ message, domain, reason }] } }, { status: code });
}

/** Reads a request body; a wrong value is named the way Google names it, an unknown one is ignored as Google does. */
export function readBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new DirectoryError('invalid', `Invalid Input: ${issue?.path.join('.') || 'resource'}`, { cause: result.error });
}

export const digest = (text: string): string => createHash('sha1').update(text).digest('base64url');

/** Adds an ETag that follows from the content, in Google's quoted two-part form. */
export const withEtag = <T extends object>(resource: T): T & { etag: string } => ({
  ...resource,
  etag: `"agents-plane-workspace/${digest(JSON.stringify(resource))}"`,
});

/** Google leaves an empty list out of its answers altogether. */
export const unlessEmpty = <K extends string, T>(name: K, items: readonly T[]): { [P in K]?: T[] } =>
  items.length > 0 ? ({ [name]: [...items] } as { [P in K]?: T[] }) : {};
