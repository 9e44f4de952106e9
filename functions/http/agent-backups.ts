import { timingSafeEqual } from 'node:crypto';
import type { Hono } from 'hono';
import type { Backups } from '../backup/backups.ts';
import { toStream } from '../backup/encryption.ts';
import type { Credentials } from '../core/credentials.ts';
import { PlaneError, toMessage } from '../core/errors.ts';
import type { Tally } from '../core/notes.ts';
import type { AgentRecord, BackupRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Ctx, Log } from '../core/surroundings.ts';
import { bearer, toProblemResponse } from './problems.ts';

export interface AgentBackupsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly credentials: Credentials;
  readonly backups: Backups;
  readonly tally: Tally;
  readonly requestId: () => string;
  /** How long one transfer may take, in milliseconds. */
  readonly transferMs?: number;
}

interface Call {
  readonly agent: AgentRecord;
  readonly id: string;
  readonly request: Request;
  readonly ctx: Ctx;
}

const idForm = /^[\w-]{1,64}$/;
const twoHoursMs = 2 * 3_600_000;
const noBackup = (verb: string, id: string): PlaneError =>
  new PlaneError('notFound', `cannot ${verb} backup ${id}: there is no such backup for this agent`);

/** `Content-Digest: sha-256=:…:` (RFC 9530) as lower-case hex; of several digests, that one. */
function toSha256(header: string | null): string | undefined {
  if (header === null) return undefined;
  const [, text] = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(header) ?? [];
  if (text !== undefined) return Buffer.from(text, 'base64').toString('hex');
  throw new PlaneError('invalid', 'cannot accept Content-Digest: it holds no SHA-256; send sha-256=:<base64>:');
}

/**
 * The two calls by which an agent's machine gives and takes its own backups, and no others:
 * `PUT /agent/backups/{id}` sends an archive for a backup that was begun for it; 200 `{ id, bytes, sha256 }`, 409 where it is finished.
 * `GET /agent/backups/{id}` answers an archive that a waiting `restore` command names. A body that ends in an error is not to be used.
 */
export function mountAgentBackups(app: Hono, deps: AgentBackupsDeps): void {
  const { store, clock, log, credentials, backups, transferMs = twoHoursMs } = deps;

  /** Whose token it once was, ended or not; `undefined` where it is none of ours. */
  function formerBearer(token: string): string | undefined {
    const [, kind, agentId = '', incarnation, extra, boot] = token.split('.');
    if (kind !== 'session') return undefined;
    const own = credentials.mint({ kind, agentId, incarnation: Number(incarnation), extra: Number(extra), boot: Number(boot) });
    const [shown, wanted] = [Buffer.from(token), Buffer.from(own)];
    return shown.length === wanted.length && timingSafeEqual(shown, wanted) ? agentId : undefined;
  }

  const tell = (agentId: string, target: string, detail: string): Promise<void> =>
    deps.tally({ agentId }, { actor: { kind: 'agent', id: agentId }, action: 'access.refused', target, detail });

  async function admit(request: Request, target: string): Promise<AgentRecord> {
    const token = bearer(request) ?? '';
    try {
      return (await credentials.check(token, 'session')).agent;
    } catch (error) {
      const former = error instanceof PlaneError && error.code === 'unauthenticated' ? formerBearer(token) : undefined;
      if (former !== undefined) await tell(former, target, 'token has ended');
      throw error;
    }
  }

  const ownBackup = async ({ agent, id }: Call): Promise<BackupRecord | undefined> => {
    const record = await store.get('backups', id);
    return record?.agentId === agent.agentId && record.ownerId === agent.ownerId ? record : undefined;
  };

  async function ordered({ agent, id }: Call): Promise<boolean> {
    const { agentId, incarnation } = agent;
    const waiting = await store.query('commands', 'byState', { equals: [agentId, incarnation, 'waiting'], reverse: true, limit: 500 });
    return waiting.some(({ kind, args, until }) => kind === 'restore' && args['backupId'] === id && until > clock.now());
  }

  async function take(call: Call): Promise<Response> {
    const { agent, id, request, ctx } = call;
    const record = await ownBackup(call);
    if (record?.incarnation !== agent.incarnation || record.reason === 'removal') {
      await tell(agent.agentId, `backup ${id}`, 'it was not begun for this machine');
      throw noBackup('receive', id);
    }
    const sha256 = toSha256(request.headers.get('content-digest'));
    if (!request.body) throw new PlaneError('invalid', `cannot receive backup ${id}: it is empty; send an archive`);
    const finished = await backups.receive(id, request.body, ctx, sha256 === undefined ? {} : { sha256 });
    return Response.json({ id, bytes: finished.bytes, sha256: finished.sha256 }, { headers: { 'cache-control': 'no-store' } });
  }

  async function give(call: Call): Promise<Response> {
    const { agent, id, ctx } = call;
    const record = await ownBackup(call);
    if (!record || !(await ordered(call))) {
      await tell(agent.agentId, `backup ${id}`, record ? 'no restore of it was ordered' : 'it is not of this agent');
      throw noBackup('open', id);
    }
    const { bytes } = await backups.open(id, { kind: 'agent', id: agent.agentId }, ctx);
    return new Response(toStream(heard(bytes, id)), {
      headers: { 'content-type': 'application/octet-stream', 'cache-control': 'no-store' },
    });
  }

  /** An answer that breaks off has no other place to say why. */
  async function* heard(bytes: AsyncIterable<Uint8Array>, id: string): AsyncGenerator<Uint8Array> {
    try {
      yield* bytes;
    } catch (error) {
      log.warn(`cannot finish answering backup ${id}: ${toMessage(error)}`);
      throw error;
    }
  }

  const mount = (method: 'GET' | 'PUT', answer: (call: Call) => Promise<Response>): void => {
    app.on(method, '/agent/backups/:id', async (c) => {
      try {
        const request = c.req.raw;
        const id = c.req.param('id');
        const agent = await admit(request, `backup ${id}`);
        if (!idForm.test(id)) throw noBackup('find', id.slice(0, 64));
        const signal = AbortSignal.any([request.signal, clock.deadline(transferMs)]);
        return await answer({ agent, id, request, ctx: { signal, log } });
      } catch (error) {
        return toProblemResponse(error, deps.requestId(), log, { hideFaults: true });
      }
    });
  };
  mount('PUT', take);
  mount('GET', give);
}
