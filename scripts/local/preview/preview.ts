import { fileURLToPath } from 'node:url';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import type { RenderedAction } from '../../../appsscript/card.ts';
import type { FetchAnswer, Fetched, FetchRequest } from './apps-script.ts';
import type { Job, Report, Setup } from './worker.ts';

export interface PreviewRequest {
  readonly functionName: string;
  readonly event: unknown;
  /** The signed-in admin's mail address. */
  readonly user: string;
}

/** `error` is what Google would show in place of the card. */
export type PreviewAnswer = { readonly result: RenderedAction } | { readonly error: string };

export interface Preview {
  readonly run: (request: PreviewRequest) => Promise<PreviewAnswer>;
  readonly close: () => Promise<void>;
}

export interface PreviewOptions {
  /** Code.js as `buildAddon` makes it. */
  readonly code: string;
  /** Rejects where no answer comes. */
  readonly fetch: (url: string, request: Omit<FetchRequest, 'url'>) => Promise<FetchAnswer>;
  readonly identityToken: (email: string) => string;
  /** Script properties: backendUrl and planeId. */
  readonly properties: Readonly<Record<string, string>>;
  readonly log?: (line: string) => void;
  /** Add-on executions are cut at 30 s (apps-script/guides/services/quotas, read 2026-11-22). */
  readonly limitMs?: number;
}

interface Lane {
  readonly worker: Worker;
  readonly answers: MessagePort;
  readonly bell: Int32Array;
}

/** Runs the very bundle that goes to Google, with nothing but what Apps Script has. One execution at a time; the rest wait. */
export function createPreview({ code, fetch, identityToken, properties, log = () => {}, limitMs = 30_000 }: PreviewOptions): Preview {
  let lane: Lane | undefined;
  let closed = false;
  let last: Promise<unknown> = Promise.resolve();

  function open(): Lane {
    const bell = new SharedArrayBuffer(4);
    const { port1, port2 } = new MessageChannel();
    const setup: Setup = { code, properties, bell, answers: port2 };
    const worker = new Worker(fileURLToPath(new URL('./worker.ts', import.meta.url)), {
      workerData: setup,
      transferList: [port2],
      execArgv: [],
    });
    worker.unref();
    port1.unref();
    return { worker, answers: port1, bell: new Int32Array(bell) };
  }

  async function drop(): Promise<void> {
    const dropped = lane;
    lane = undefined;
    dropped?.answers.close();
    await dropped?.worker.terminate();
  }

  async function answerFetch({ answers, bell }: Lane, requests: readonly FetchRequest[]): Promise<void> {
    const settled = await Promise.allSettled(requests.map(({ url, ...request }) => fetch(url, request)));
    const message = settled.map((one): Fetched => (one.status === 'fulfilled' ? one.value : { unreachable: true }));
    answers.postMessage(message);
    Atomics.store(bell, 0, 1);
    Atomics.notify(bell, 0);
  }

  async function execute({ functionName, event, user }: PreviewRequest): Promise<PreviewAnswer> {
    if (closed) return { error: 'The preview is closed.' };
    lane ??= open();
    const current = lane;
    const { worker } = current;
    const job: Job = { functionName, eventJson: JSON.stringify(event ?? {}), user, token: identityToken(user) };
    return new Promise<PreviewAnswer>((resolve) => {
      const timer = setTimeout(() => {
        done({ error: 'Exceeded maximum execution time' }, true);
      }, limitMs);
      const onMessage = (report: Report): void => {
        switch (report.kind) {
          case 'fetch':
            void answerFetch(current, report.requests);
            break;
          case 'log':
            log(report.line);
            break;
          case 'done':
            done({ result: report.result as RenderedAction });
            break;
          case 'failed':
            done({ error: report.message });
            break;
        }
      };
      const onExit = (): void => {
        done(closed ? { error: 'The preview is closed.' } : { error: 'The add-on stopped unexpectedly.' }, true);
      };
      const onError = (error: Error): void => {
        log(error.message);
      };
      worker.on('message', onMessage).on('exit', onExit).on('error', onError);
      worker.postMessage(job);

      function done(outcome: PreviewAnswer, broken = false): void {
        clearTimeout(timer);
        worker.off('message', onMessage).off('exit', onExit).off('error', onError);
        if (!broken) return resolve(outcome);
        worker.on('error', onError);
        void drop().then(() => resolve(outcome));
      }
    });
  }

  return {
    run: (request) => {
      const answer = last.then(() => execute(request));
      last = answer.catch(() => undefined);
      return answer;
    },
    close: async () => {
      closed = true;
      await drop();
    },
  };
}
