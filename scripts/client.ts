import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { contract, problemAnswerSchema, type Answer, type ContractRow, type Operation } from '../shared/contract.ts';
import { PlaneError, toMessage, type ErrorCode, errorTable } from '../functions/core/errors.ts';

export interface Endpoint {
  readonly url: string;
  readonly token: string;
}

const endpointSchema = z.object({ url: z.url(), token: z.string().min(1) });
export const endpointFile = (dataDir: string): string => join(dataDir, 'endpoint.json');

/** The running embedded plane of a data folder. */
export function readEndpoint(dataDir: string): Endpoint {
  try {
    return endpointSchema.parse(JSON.parse(readFileSync(endpointFile(dataDir), 'utf8')));
  } catch (cause) {
    throw new PlaneError(
      'unavailable',
      `cannot find a running plane in ${dataDir}: none runs there now; start it with \`npm start\`, or name its folder with --data`,
      { cause },
    );
  }
}

export interface Input {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  /** The same key again means the same change, once. */
  readonly idempotencyKey?: string;
}

export type Client = <O extends Operation>(operation: O, input?: Input) => Promise<Answer<O>>;

const isCode = (code: string): code is ErrorCode => code in errorTable;

/** What a plane that refused said, in its own words. */
export function toRefusal(summary: string, status: number, text: string): PlaneError {
  const problem = problemAnswerSchema.safeParse(JSON.parse(text.startsWith('{') ? text : '{}'));
  if (!problem.success) return new PlaneError('unavailable', `cannot ${summary.toLowerCase()}: the plane answered ${status}`);
  const { code, detail, problems = [] } = problem.data;
  return new PlaneError(isCode(code) ? code : 'internal', detail, { problems });
}

/** Calls the REST API by the rows of the contract; a refusal is thrown with the server's own words. */
export function createClient({ url, token }: Endpoint): Client {
  return async (operation, { params = {}, query = {}, body, idempotencyKey } = {}) => {
    const row: ContractRow = contract[operation];
    const path = row.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
    const asked = new URL(path, url);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) asked.searchParams.set(name, String(value));
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    };
    const init = { method: row.method.toUpperCase(), headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
    const answer = await fetch(asked, { ...init, signal: AbortSignal.timeout(30_000) }).catch((cause: unknown) => {
      throw new PlaneError('unavailable', `cannot reach the plane at ${url}: ${toMessage(cause)}; is it running? \`npm start\` starts it`, {
        cause,
      });
    });
    const text = await answer.text();
    if (answer.ok) return row.answer.parse(JSON.parse(text)) as Answer<typeof operation>;
    throw toRefusal(row.summary, answer.status, text);
  };
}
