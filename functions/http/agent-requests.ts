import type { Hono } from 'hono';
import { capabilityAskSchema } from '../../shared/sidecar.ts';
import { agentChain, append, readHead } from '../core/audit.ts';
import type { Credentials } from '../core/credentials.ts';
import { PlaneError } from '../core/errors.ts';
import type { AgentRecord } from '../core/records.ts';
import type { Store, Transaction } from '../core/store.ts';
import type { Clock, Hashing, Log } from '../core/surroundings.ts';
import { bearer, read, readJson, toProblemResponse } from './problems.ts';

export interface AgentRequestsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly log: Log;
  readonly credentials: Pick<Credentials, 'check'>;
  readonly requestId: () => string;
}

const mostWaiting = 5;
const mostPerDay = 20;
const dayMs = 24 * 3_600_000;

/** What an admin reads in a list: one line each, whatever the agent was talked into writing. */
const toLine = (text: string): string =>
  text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();

function checkAsked(agent: AgentRecord, tools: readonly string[], channels: readonly string[]): void {
  const { spec } = agent;
  if (tools.length + channels.length === 0) {
    throw new PlaneError('invalid', 'cannot pass this request on: it names no tool and no channel; say what is wanted');
  }
  const had = [
    ...tools.filter((tool) => spec.tools.some((own) => own === tool)),
    ...channels.filter((name) => spec.channels.some((own) => own === name)),
  ];
  if (had.length === tools.length + channels.length) {
    throw new PlaneError('conflict', `cannot pass this request on: ${had.join(', ')} is allowed already; no admin is needed`);
  }
}

const refuseCount = (fact: string): PlaneError => new PlaneError('tooManyRequests', `cannot pass this request on: ${fact}`);

const idOf = (agentId: string, day: number, nth: number): string => `r-${agentId}-${day}-${nth}`;

/** How many of the days before wait: never more by the time that this is used, since only admins touch them. */
async function countFormer(agentId: string, day: number, store: Store): Promise<number> {
  const former = await store.query('requests', 'byAgent', { equals: [agentId], before: day * dayMs, reverse: true, limit: 500 });
  return former.filter(({ state }) => state === 'waiting').length;
}

/** The first free one of the day's places. Each place is read inside the transaction, so that calls at once cannot share one. */
async function findPlace(tx: Transaction, agentId: string, day: number, former: number): Promise<string> {
  let waiting = former;
  for (let nth = 0; nth < mostPerDay; nth += 1) {
    const taken = await tx.get('requests', idOf(agentId, day, nth));
    if (taken?.state === 'waiting') waiting += 1;
    if (waiting >= mostWaiting) throw refuseCount(`${mostWaiting} wait for an admin already; wait for the answer`);
    if (!taken) return idOf(agentId, day, nth);
  }
  throw refuseCount(`${mostPerDay} were sent today; try again tomorrow`);
}

/**
 * `POST /agent/requests`: an agent asks, on behalf of its owner, for tools or channels beyond its policy. It only ever adds a
 * record that an admin may approve; its text is shown and never interpreted.
 */
export function mountAgentRequests(app: Hono, deps: AgentRequestsDeps): void {
  const { store, clock, hashing, credentials } = deps;

  async function take(request: Request): Promise<{ id: string; state: 'waiting' }> {
    const { agent } = await credentials.check(bearer(request) ?? '', 'session');
    const asked = read(capabilityAskSchema, await readJson(request, 16_384), 'the request');
    const [tools, channels, why] = [[...new Set(asked.tools)], [...new Set(asked.channels)], toLine(asked.why)];
    if (why === '') throw new PlaneError('invalid', 'cannot pass this request on: it gives no reason; say what it is wanted for');
    checkAsked(agent, tools, channels);
    const now = clock.now();
    const { agentId, planeId, ownerId, ownerEmail, incarnation } = agent;
    const day = Math.floor(now / dayMs);
    const former = await countFormer(agentId, day, store);
    const asker = { planeId, agentId, ownerId, ownerEmail };
    return store.transact(async (tx) => {
      const current = await tx.get('agents', agentId);
      const head = await readHead(tx, agentChain(agentId));
      const id = await findPlace(tx, agentId, day, former);
      if (current?.desired !== 'running' || current.incarnation !== incarnation)
        throw new PlaneError('unauthenticated', 'cannot pass this request on: the agent is not to run');
      tx.set('requests', id, { id, ...asker, tools, channels, why, state: 'waiting', askedAt: now });
      const detail = { id, tools, channels };
      append(tx, head, [{ at: now, actor: { kind: 'agent', id: agentId }, action: 'capability.ask', target: ownerEmail, detail }], hashing);
      return { id, state: 'waiting' };
    });
  }

  app.post('/agent/requests', async (c) => {
    try {
      return c.json(await take(c.req.raw), 200, { 'cache-control': 'no-store' });
    } catch (error) {
      return toProblemResponse(error, deps.requestId(), deps.log, { hideFaults: true });
    }
  });
}
