import type { Hono } from 'hono';
import {
  heartbeatSchema,
  joinRequestSchema,
  type Assignment,
  type heartbeatAnswerSchema,
  type joinAnswerSchema,
} from '../../shared/sidecar.ts';
import { moveAssignment } from '../core/assignments.ts';
import { agentChain, append, readHead } from '../core/audit.ts';
import { takeResults, waitingCommands } from '../core/commands.ts';
import { note, type Tally } from '../core/notes.ts';
import { sessionMs, type Credentials } from '../core/credentials.ts';
import { PlaneError } from '../core/errors.ts';
import type { AgentRecord, MessageRecord } from '../core/records.ts';
import { makeDue, passKey, type Wake } from '../core/schedule.ts';
import { noteReads } from '../core/secret-reads.ts';
import type { Store } from '../core/store.ts';
import { canonical, type Clock, type Hashing, type Log } from '../core/surroundings.ts';
import { fromOf } from './request.ts';
import { mountAgentRequests } from './agent-requests.ts';
import { bearer, read, readJson, toProblemResponse } from './problems.ts';
import type { z } from 'zod';

export interface AgentDoorDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly hashing: Hashing;
  readonly wake: Wake;
  readonly log: Log;
  readonly credentials: Credentials;
  readonly requestId: () => string;
  readonly tally: Tally;
  /** What the plane says of itself and its model to an agent. */
  readonly terms: (agent: AgentRecord) => Pick<Assignment, 'company' | 'model'>;
  /** What the agent is to be told in its main session once each; `told` hears which it was. None where they are left out. */
  readonly notices?: (agent: AgentRecord) => Promise<Assignment['notices']>;
  readonly told?: (agent: AgentRecord, ids: readonly string[]) => Promise<void>;
  /** Stands for the values of the agent's secrets; whoever changes it moves the assignment. */
  readonly secretsVersion?: (agent: AgentRecord) => Promise<string>;
  /** Hears with which version of its secrets a machine runs. */
  readonly runsWith?: (agent: AgentRecord, secretsVersion: string) => Promise<void>;
  /** Called once for each answer an agent gave to its owner. */
  readonly answered: (agent: AgentRecord, message: MessageRecord, text: string) => Promise<void>;
  /** As for the API: how many proxies of ours stand before it. */
  readonly forwardedHops?: number | undefined;
}

const holdMs = 25_000;

interface Caller {
  readonly agent: AgentRecord;
  readonly boot: number;
}

/** The three calls an agent's machine may make: join, heartbeat, assignment. */
export function mountAgentDoor(app: Hono, deps: AgentDoorDeps): void {
  const { store, clock, hashing, wake, log, credentials } = deps;

  async function admit(request: Request): Promise<Caller> {
    const token = bearer(request);
    if (!token) throw new PlaneError('unauthenticated', 'cannot tell which machine is calling: send its session token');
    return credentials.check(token, 'session');
  }

  const mintSession = (agent: AgentRecord, boot: number): { token: string; expiresAt: number } => {
    const expiresAt = clock.now() + sessionMs;
    const { agentId, incarnation } = agent;
    return { token: credentials.mint({ kind: 'session', agentId, incarnation, extra: expiresAt, boot }), expiresAt };
  };

  async function join(request: Request, from: string | undefined): Promise<z.infer<typeof joinAnswerSchema>> {
    const { token } = read(joinRequestSchema, await readJson(request, 4_096), 'the join');
    const { agent, extra } = await credentials.check(token, 'join');
    const { agentId, incarnation } = agent;
    const taken = await store.transact(async (tx) => {
      const [record, due] = [await tx.get('joins', agentId), await tx.get('schedule', passKey(agentId))];
      const assignment = await tx.get('assignments', agentId);
      const count = record?.incarnation === incarnation ? record.count : 0;
      if (extra <= count) return false;
      tx.set('joins', agentId, { agentId, incarnation, count: extra, joinedAt: clock.now() });
      moveAssignment(tx, agentId, assignment, clock.now());
      makeDue(tx, passKey(agentId), due, clock.now());
      return true;
    });
    const actor = { kind: 'agent', id: agentId, ...(from === undefined ? {} : { from }) } as const;
    if (!taken) {
      await deps.tally({ agentId }, { actor, action: 'access.refused', target: 'join', detail: 'token was traded before' });
      throw new PlaneError('unauthenticated', 'cannot accept this token: it is not valid, or no longer');
    }
    await note({ agentId }, { actor, action: 'agent.join', target: agentId, detail: { boot: extra } }, deps);
    wake.wake(passKey(agentId));
    return mintSession(agent, extra);
  }

  /** The part of an assignment that the check of a token reads anyway, or that is this process's own. */
  const toTold = ({ agent, boot }: Caller) => ({
    agentId: agent.agentId,
    planeId: agent.planeId,
    incarnation: agent.incarnation,
    boot,
    name: agent.name,
    owner: { name: agent.ownerName, email: agent.ownerEmail },
    tools: [...agent.spec.tools],
    channels: [...agent.spec.channels],
    ...deps.terms(agent),
  });

  /** The stamp stands for all that the store holds; the rest tells processes apart that say different things. */
  const toVersion = (stamp: number, told: ReturnType<typeof toTold>): string => `${stamp}-${hashing.sha256(canonical(told)).slice(0, 16)}`;

  async function assignment(request: Request): Promise<Assignment | undefined> {
    const after = new URL(request.url).searchParams.get('after') ?? '';
    const known = Number.parseInt(after, 10);
    const caller = await admit(request);
    const { agentId } = caller.agent;
    if (after === toVersion(known, toTold(caller))) {
      const end = AbortSignal.any([request.signal, clock.deadline(holdMs)]);
      await store.changed('assignments', agentId, known === 0 ? undefined : { agentId, stamp: known }, end);
      if (end.aborted) return undefined;
    }
    // The stamp is read before what it stands for: what changes in between is told once more under the next one.
    const stamp = (await store.get('assignments', agentId))?.stamp ?? 0;
    const { agent, boot } = await admit(request);
    const told = toTold({ agent, boot });
    const [introduced, commands, notices = [], secretsVersion = '', messages] = await Promise.all([
      store.get('introductions', agentId),
      waitingCommands(agent, deps),
      deps.notices?.(agent),
      deps.secretsVersion?.(agent),
      store.query('messages', 'byState', { equals: [agentId, told.incarnation, 'waiting'], limit: 20 }),
    ]);
    return {
      version: toVersion(stamp, told),
      ...told,
      introduce: introduced?.incarnation !== told.incarnation,
      messages: messages.map(({ id, text }) => ({ id, text })),
      commands: commands.map(({ id, kind, args }) => ({ id, kind, args: { ...args } })),
      notices,
      secretsVersion,
    };
  }

  async function takeAnswers(agent: AgentRecord, answers: readonly { id: string; text: string }[]): Promise<void> {
    for (const { id, text } of answers) {
      const message = await store.get('messages', id);
      if (message?.agentId !== agent.agentId || message.incarnation !== agent.incarnation || message.state !== 'waiting') continue;
      await deps.answered(agent, message, text);
      await store.transact(async (tx) => {
        const [current, assignment] = [await tx.get('messages', id), await tx.get('assignments', agent.agentId)];
        // A removal may have taken it away meanwhile.
        if (current?.state !== 'waiting') return;
        tx.set('messages', id, { ...current, state: 'answered', answer: text });
        moveAssignment(tx, agent.agentId, assignment, clock.now());
      });
    }
  }

  /** A machine of ours says nothing that is not agreed: whoever does has taken its token, or it. */
  async function readReport(request: Request, { agentId }: AgentRecord): Promise<z.output<typeof heartbeatSchema>> {
    try {
      return read(heartbeatSchema, await readJson(request, 1_500_000), 'the heartbeat');
    } catch (error) {
      const actor = { kind: 'agent', id: agentId } as const;
      if (error instanceof PlaneError && error.code === 'invalid')
        await deps.tally({ agentId }, { actor, action: 'access.refused', target: 'heartbeat', detail: 'not of the agreed form' });
      throw error;
    }
  }

  async function heartbeat(request: Request): Promise<z.infer<typeof heartbeatAnswerSchema>> {
    const token = bearer(request) ?? '';
    const { agent, extra: expiresAt, boot } = await credentials.check(token, 'session');
    const report = await readReport(request, agent);
    const { agentId, incarnation } = agent;
    const { version: _version, answers, results, told, detail, introduction, ...state } = report;
    const news = await store.transact(async (tx) => {
      const before = await tx.get('heartbeats', agentId);
      const same = before?.incarnation === incarnation ? before : undefined;
      const written = introduction ?? same?.introduction;
      const restated = same?.ready !== state.ready || same.detail !== detail || same.secretsVersion !== state.secretsVersion;
      const changed = restated || same.introduction !== written;
      const due = changed ? await tx.get('schedule', passKey(agentId)) : undefined;
      const { entries, ...noted } = noteReads(agentId, same, report.secretReads, clock.now());
      const head = entries.length > 0 ? await readHead(tx, agentChain(agentId)) : undefined;
      const said = { ...(detail === undefined ? {} : { detail }), ...(written === undefined ? {} : { introduction: written }) };
      tx.set('heartbeats', agentId, {
        agentId,
        incarnation,
        at: clock.now(),
        revision: agent.revision,
        ...state,
        ...said,
        ...noted,
        boot,
      });
      if (head) append(tx, head, entries, hashing);
      if (changed) makeDue(tx, passKey(agentId), due, clock.now());
      return changed;
    });
    if (news) wake.wake(passKey(agentId));
    await takeAnswers(agent, answers);
    await takeResults(agent, results, deps);
    if (told.length > 0) await deps.told?.(agent, told);
    await deps.runsWith?.(agent, report.secretsVersion);
    const half = expiresAt - clock.now() < sessionMs / 2;
    return half ? { token: mintSession(agent, boot).token } : {};
  }

  const mount = (
    method: 'GET' | 'POST',
    path: string,
    handle: (request: Request, from: string | undefined) => Promise<object | undefined>,
  ): void => {
    app.on(method, path, async (c) => {
      try {
        const answer = await handle(c.req.raw, fromOf(c, deps.forwardedHops));
        return answer ? c.json(answer, 200, { 'cache-control': 'no-store' }) : c.body(null, 204);
      } catch (error) {
        return toProblemResponse(error, deps.requestId(), log, { hideFaults: true });
      }
    });
  };
  mount('POST', '/agent/join', join);
  mount('GET', '/agent/assignment', assignment);
  mount('POST', '/agent/heartbeat', heartbeat);
  mountAgentRequests(app, deps);
}
