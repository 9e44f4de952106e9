import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { methodFor, methodsOf, type Api } from './discovery-document.ts';
import { checkParameters, checkValue, type Problems } from './discovery-checks.ts';

/** Google's client for Python carries every API's discovery document; the wheel stays in the user's cache, out of the repository. */
const wheel = {
  requirement: 'google-api-python-client==2.202.0',
  file: 'google_api_python_client-2.202.0-py3-none-any.whl',
  sha256: 'aaa90064c9bb642ff1d065b22ca8958a2cb6e345909cefe70d0e5452fc50e08b',
};
const deadlineMs = 120_000;

function fetchWheel(): string {
  const folder = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'agents-plane', 'discovery');
  const kept = join(folder, wheel.file);
  if (!existsSync(kept)) {
    mkdirSync(folder, { recursive: true });
    const download = mkdtempSync(join(folder, 'download-'));
    try {
      const args = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:', '--dest', download, wheel.requirement];
      execFileSync('python3', args, { timeout: deadlineMs, stdio: 'pipe' });
      renameSync(join(download, wheel.file), kept);
    } finally {
      rmSync(download, { recursive: true, force: true });
    }
  }
  const found = createHash('sha256').update(readFileSync(kept)).digest('hex');
  if (found !== wheel.sha256) throw new Error(`cannot use ${kept}: its sha256 is ${found}, wanted ${wheel.sha256}; delete the file`);
  return kept;
}

const program = 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))';
const known = new Map<string, Api>();
let wheelPath: string | undefined;

/** The discovery document of an API such as `admin.directory_v1`, `admin.reports_v1`, `cloudtasks.v2` or `pubsub.v1`. */
export function discovery(name: string): Api {
  const kept = known.get(name);
  if (kept) return kept;
  wheelPath ??= fetchWheel();
  const args = ['-c', program, wheelPath, `googleapiclient/discovery_cache/documents/${name}.json`];
  const text = execFileSync('python3', args, { maxBuffer: 64 * 1024 * 1024, timeout: deadlineMs, encoding: 'utf8', stdio: 'pipe' });
  const api = JSON.parse(text) as Api;
  known.set(name, api);
  return api;
}

export interface SentRequest {
  readonly method: string;
  /** As sent, still percent-encoded, from the slash after the API's host on: `/admin/directory/v1/users/a%40b.c`. */
  readonly path: string;
  readonly query?: URLSearchParams | Readonly<Record<string, string>>;
  /** Parsed JSON; absent where the request carried none. */
  readonly body?: unknown;
}

export interface RequestVerdict {
  /** Such as `directory.users.get`; absent where no method of the API has this path. */
  readonly methodId?: string;
  /** What is wrong, each with where it is; empty for a valid request. */
  readonly problems: readonly string[];
}

/** Holds a request against the API: its path, every parameter and the whole body; a `null` in the body clears and is valid. */
export function validateRequest(api: Api, { method, path, query = {}, body }: SentRequest): RequestVerdict {
  const match = methodFor(api, method, path);
  if (!match) return { problems: [`${api.id} has no method ${method} ${path}`] };
  const problems: Problems = [];
  const sent = query instanceof URLSearchParams ? query : new URLSearchParams(query);
  checkParameters(api, match, sent, problems);
  const { request, id } = match.method;
  if (request) checkValue(api, { $ref: request.$ref }, body ?? {}, { at: 'body', nullClears: true }, problems);
  else if (body !== undefined) problems.push(`body: ${id} takes none`);
  return { methodId: id, problems };
}

/** What is wrong with an answer of this method, each with where it is; `body` is undefined where the answer has none. */
export function validateAnswer(api: Api, methodId: string, body: unknown): readonly string[] {
  const method = methodsOf(api).find(({ id }) => id === methodId);
  if (!method) return [`${api.id} has no method ${methodId}`];
  const problems: Problems = [];
  if (method.response) checkValue(api, { $ref: method.response.$ref }, body, { at: 'body', nullClears: false }, problems);
  else if (body !== undefined) problems.push(`body: ${methodId} answers none`);
  return problems;
}

/** Checks a value against one schema of the API by name, such as `LogEntry` of `logging.v2`. */
export function validateSchema(api: Api, schema: string, value: unknown): readonly string[] {
  const problems: Problems = [];
  checkValue(api, { $ref: schema }, value, { at: schema, nullClears: false }, problems);
  return problems;
}

export { type Api } from './discovery-document.ts';
