import { createContext, runInContext } from 'node:vm';
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { createGlobals, type Fetched, type FetchRequest } from './apps-script.ts';
import { createCardService } from './card-service.ts';

/** What the worker is started with. `bell` is rung when the answers to a fetch lie in `answers`. */
export interface Setup {
  readonly code: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly bell: SharedArrayBuffer;
  readonly answers: MessagePort;
}

export interface Job {
  readonly functionName: string;
  readonly eventJson: string;
  readonly user: string;
  readonly token: string;
}

export type Report =
  | { readonly kind: 'fetch'; readonly requests: readonly FetchRequest[] }
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'failed'; readonly message: string };

const port = parentPort;
if (!port) throw new Error('cannot start the add-on worker: it runs as a worker thread; start it through createPreview');
const { code, properties, bell, answers } = workerData as Setup;
const rung = new Int32Array(bell);
const cache = new Map<string, string>();
const report = (message: Report): void => port.postMessage(message);

function fetchAll(requests: readonly FetchRequest[]): readonly Fetched[] {
  Atomics.store(rung, 0, 0);
  report({ kind: 'fetch', requests });
  Atomics.wait(rung, 0, 0);
  const received = receiveMessageOnPort(answers) as { message: readonly Fetched[] } | undefined;
  return received?.message ?? requests.map(() => ({ unreachable: true }));
}

/** One execution: a fresh global scope, as Apps Script gives each. */
function execute({ functionName, eventJson, user, token }: Job): unknown {
  const context = createContext({});
  const RealmError = runInContext('Error', context) as ErrorConstructor;
  const toException = (message: string): Error => Object.assign(new RealmError(message), { name: 'Exception' });
  const log = (line: string): void => report({ kind: 'log', line });
  const { service, read } = createCardService(toException);
  Object.assign(context, createGlobals({ user, token, properties, cache, fetchAll, log, toException }), { CardService: service });

  const before = new Set(Object.getOwnPropertyNames(context));
  runInContext(code, context, { filename: 'Code.js' });
  const isEntry = (name: string): boolean =>
    !before.has(name) && Object.getOwnPropertyNames(context).includes(name) && typeof Reflect.get(context, name) === 'function';
  // Only what the bundle itself declares may be called: the name comes from outside.
  if (!isEntry(functionName)) throw new Error(`Script function not found: ${functionName}`);

  const returned: unknown = runInContext(`${functionName}(JSON.parse(${JSON.stringify(eventJson)}))`, context);
  const found = read(returned);
  if (found?.kind !== 'Card' && found?.kind !== 'ActionResponse') {
    throw new Error('The value returned from Apps Script has a type that cannot be used by the add-on platform.');
  }
  const result = found.kind === 'Card' ? { action: { navigations: [{ pushCard: found.json }] } } : found.json;
  const missing = functionsIn(result).filter((name) => !isEntry(name));
  if (missing.length > 0) throw new Error(`Script function not found: ${missing.join(', ')}`);
  return result;
}

function functionsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === 'function' && typeof inner === 'string' ? [inner] : functionsIn(inner)));
}

port.on('message', (job: Job) => {
  try {
    const result = execute(job);
    report({ kind: 'done', result });
  } catch (error) {
    // Errors of the script come from another realm, so `instanceof` says nothing here.
    const { message } = error as { message?: unknown };
    report({ kind: 'failed', message: typeof message === 'string' ? message : String(error) });
  }
});
