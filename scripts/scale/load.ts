import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/*
 * Callers of the API and agents with their heartbeats. The load is open: calls begin at their times whether or not those before were
 * answered, and a call's time counts from when it should have begun.
 */

export interface Load {
  readonly url: string;
  readonly token: string;
  readonly planeId: string;
  readonly perSecond: number;
  readonly seconds: number;
  /** One without a session sends no heartbeats. */
  readonly agents: readonly { readonly agentId: string; readonly email: string; readonly session?: string }[];
  /** Each agent's heartbeat comes so often. */
  readonly heartbeatMs: number;
  /** So many agents are paused or resumed in a second; none unless said. */
  readonly changesPerSecond?: number;
}

export interface Measured {
  /** Milliseconds of each call by its kind. */
  readonly times: Readonly<Record<string, readonly number[]>>;
  /** Answers other than 200, by kind and status. */
  readonly failures: Readonly<Record<string, number>>;
  readonly bytes: number;
}

/** Lets somebody see a load while it goes on, and end it. */
export interface Watch {
  readonly signal: AbortSignal;
  /** Called about once a second. */
  readonly seen: (elapsedMs: number, soFar: Omit<Measured, 'bytes'>) => void;
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

export async function drive(load: Load, watch?: Watch): Promise<Measured> {
  const { url, token, planeId, perSecond, seconds, agents, heartbeatMs, changesPerSecond = 0 } = load;
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
    if (answer === undefined || answer.status >= 300) {
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
    if (agent?.session === undefined || resting.has(agent.agentId)) return;
    await timed('heartbeat', due, () => send('POST', `${url}/agent/heartbeat`, agent.session ?? '', beatBody));
  }

  /** Paused ones are refused: they send no heartbeats until they are resumed. */
  const resting = new Set<string>();

  /** One agent after the other is paused and resumed. */
  async function change(at: number, due: number): Promise<void> {
    const agentId = nth(at)?.agentId ?? '';
    if (resting.has(agentId)) return;
    resting.add(agentId);
    await timed('pause', due, () => send('POST', `${plane}/agents/${agentId}/pause`, token, '{}'));
    const resumed = performance.now();
    await timed('resume', resumed, () => send('POST', `${plane}/agents/${agentId}/resume`, token));
    resting.delete(agentId);
  }

  const began = performance.now();
  const open = new Set<Promise<void>>();
  const start = (work: Promise<void>): void => {
    open.add(work);
    void work.finally(() => open.delete(work));
  };
  const beating = agents.some(({ session }) => session !== undefined);
  const [askMs, beatMs] = [1_000 / perSecond, beating ? heartbeatMs / agents.length : Infinity];
  const changeMs = changesPerSecond === 0 ? Infinity : 1_000 / changesPerSecond;
  let [asked, beaten, changed, told] = [0, 0, 1, 0];
  for (let now = 0; now < seconds * 1_000 && !watch?.signal.aborted; now = performance.now() - began) {
    for (; asked * askMs <= now; asked += 1) start(ask(asked, began + asked * askMs));
    if (beating) for (; beaten * beatMs <= now; beaten += 1) start(beat(beaten, began + beaten * beatMs));
    for (; changed * changeMs <= now; changed += 1) start(change(changed - 1, began + changed * changeMs));
    if (watch && now - told >= 1_000) watch.seen((told = now), { times, failures });
    await sleep(1);
  }
  await Promise.all(open);
  return { times, failures, bytes };
}
