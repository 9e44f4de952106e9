import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fork } from 'node:child_process';

/*
 * Callers of the API and agents with their heartbeats, in a process of their own. The load is open: calls begin at their times
 * whether or not those before were answered, and a call's time counts from when it should have begun.
 */

export interface Load {
  readonly url: string;
  readonly token: string;
  readonly planeId: string;
  readonly perSecond: number;
  readonly seconds: number;
  readonly agents: readonly { readonly agentId: string; readonly email: string; readonly session: string }[];
  /** Each agent's heartbeat comes so often. */
  readonly heartbeatMs: number;
}

export interface Measured {
  /** Milliseconds of each call by its kind. */
  readonly times: Readonly<Record<string, readonly number[]>>;
  /** Answers other than 200, by kind and status. */
  readonly failures: Readonly<Record<string, number>>;
  readonly bytes: number;
}

const connections = new Agent({ keepAlive: true, maxSockets: 256 });

interface Answer {
  readonly status: number;
  readonly body: string;
}

function send(method: string, url: string, token: string, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const call = request(url, { method, agent: connections, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
      answer.on('error', reject);
    });
    call.on('error', reject);
    call.end(body);
  });
}

const beatBody = JSON.stringify({ version: 'x', live: true, ready: true, introduction: 'Hello' });

async function run({ url, token, planeId, perSecond, seconds, agents, heartbeatMs }: Load): Promise<Measured> {
  const times: Record<string, number[]> = {};
  const failures: Record<string, number> = {};
  let bytes = 0;
  let cursor: string | null = null;
  const plane = `${url}/v1/planes/${planeId}`;
  const nth = (at: number) => agents[(at * 7_919) % agents.length];
  const list = (query: string): string => `${plane}/agents?limit=50${query}`;
  const words = ['an', 'mar', 'Ali', 'user-1', '@acme', 'zz'];
  const ous = ['/Engineering', '/Sales', '/'];
  /** How many of a hundred calls are of which kind. */
  const mix: readonly (readonly [number, string, (at: number) => string])[] = [
    [20, 'first page', () => list('')],
    [20, 'next page', () => list(cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`)],
    [10, 'by name', (at) => list(`&q=${encodeURIComponent(words[at % words.length] ?? '')}`)],
    [8, 'by org unit', (at) => list(`&ou=${encodeURIComponent(ous[at % ous.length] ?? '')}`)],
    [6, 'by phase', (at) => list(`&phase=${at % 2 === 0 ? 'running' : 'paused'}`)],
    [6, 'by health', (at) => list(`&health=${at % 2 === 0 ? 'green' : 'red'}`)],
    [6, 'in need', () => list('&attention=true')],
    [19, 'one agent', (at) => `${plane}/agents/${nth(at)?.agentId}`],
    [4, 'planes', () => `${url}/v1/planes`],
    [1, 'explain', (at) => `${plane}/users/${nth(at)?.email}/explain`],
  ];
  const kinds = mix.flatMap(([share, kind, toUrl]) => Array.from({ length: share }, () => [kind, toUrl] as const));

  async function timed(kind: string, due: number, call: () => Promise<Answer>): Promise<Answer | undefined> {
    const answer = await call().catch(() => undefined);
    (times[kind] ??= []).push(performance.now() - due);
    if (answer?.status !== 200) {
      const failure = `${kind}: ${answer?.status ?? 'broken off'}`;
      failures[failure] = (failures[failure] ?? 0) + 1;
    }
    bytes += answer?.body.length ?? 0;
    return answer;
  }

  async function ask(at: number, due: number): Promise<void> {
    const [kind, toUrl] = kinds[(at * 37) % kinds.length] ?? ['', () => ''];
    const answer = await timed(kind, due, () => send('GET', toUrl(at), token));
    if (kind !== 'next page') return;
    // The last bytes of a page: parsing all of it would cost more here than serving it there.
    cursor = /"next":"(\w+)"\}$/.exec(answer?.body.slice(-60) ?? '')?.[1] ?? null;
  }

  async function beat(at: number, due: number): Promise<void> {
    const agent = agents[at % agents.length];
    await timed('heartbeat', due, () => send('POST', `${url}/agent/heartbeat`, agent?.session ?? '', beatBody));
  }

  const began = performance.now();
  const open = new Set<Promise<void>>();
  const start = (work: Promise<void>): void => {
    open.add(work);
    void work.finally(() => open.delete(work));
  };
  const [askMs, beatMs] = [1_000 / perSecond, heartbeatMs / agents.length];
  let [asked, beaten] = [0, 0];
  for (let now = 0; now < seconds * 1_000; now = performance.now() - began) {
    for (; asked * askMs <= now; asked += 1) start(ask(asked, began + asked * askMs));
    for (; beaten * beatMs <= now; beaten += 1) start(beat(beaten, began + beaten * beatMs));
    await sleep(1);
  }
  await Promise.all(open);
  return { times, failures, bytes };
}

/** Runs a load from a process of its own. */
export async function measureLoad(load: Load): Promise<Measured> {
  const child = fork(fileURLToPath(import.meta.url), [], { execArgv: [] });
  try {
    return await new Promise<Measured>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the callers ended with ${code}`)));
      child.once('message', (measured: Measured) => resolve(measured));
      child.send(load);
    });
  } finally {
    child.removeAllListeners('exit');
    child.kill();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once('message', (load: Load) => {
    run(load).then(
      (measured) => process.send?.(measured),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
