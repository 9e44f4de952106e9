import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newestJoin } from '../../scripts/sidecar/secrets-reader.ts';
import { createSession, expiredMs, refusedMs } from '../../scripts/sidecar/session.ts';
import { assignment, ctx } from './machine-bench.ts';
import { openLoopbackPlane, type LoopbackPlane } from './loopback-plane.ts';

describe('the session of a machine', () => {
  let home: string;
  let plane: LoopbackPlane;
  let now: number;
  const secrets: Record<string, string> = {};

  const reader = {
    names: async () => Object.keys(secrets),
    read: async (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, secrets[name] ?? ''])),
  };
  const open = () => createSession({ planeUrl: plane.url, reader, file: join(home, 'session'), clock: { now: () => now }, log: ctx.log });
  const call = (session: ReturnType<typeof open>) => session.call('/agent/assignment', { timeoutMs: 2_000 });
  const joins = (): number => plane.calls.filter((each) => each === 'POST /agent/join').length;

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'agents-plane-session-'));
    plane = await openLoopbackPlane(assignment);
    now = Date.now();
    for (const name of Object.keys(secrets)) delete secrets[name];
    secrets['join/1-1'] = 'first';
    plane.joins.add('first');
  });
  afterEach(async () => {
    await plane.close();
    rmSync(home, { recursive: true, force: true });
  });

  it('begins with one join, however many calls wait for it, and is kept for ourselves alone', async () => {
    const session = open();
    const answers = await Promise.all([call(session), call(session), call(session)]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(joins()).toBe(1);
    expect(statSync(join(home, 'session')).mode & 0o777).toBe(0o600);
  });

  it('is used again by the next sidecar while it is valid', async () => {
    await call(open());
    await call(open());
    expect(joins()).toBe(1);
    now += 16 * 60_000;
    secrets['join/1-2'] = 'second';
    plane.joins.add('second');
    await call(open());
    expect(joins()).toBe(2);
  });

  it('ends with a refusal, and begins again with the next join token, never with a spent one', async () => {
    const session = open();
    await call(session);
    plane.sessions.clear();
    await expect(call(session)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(existsSync(join(home, 'session'))).toBe(false);
    await expect(call(session)).rejects.toThrow('join/1-1 was tried before');
    expect(joins()).toBe(1);
    secrets['join/1-2'] = 'second';
    plane.joins.add('second');
    await expect(call(session)).resolves.toMatchObject({ status: 200 });
  });

  it('shows a refused join token once only', async () => {
    plane.joins.clear();
    const session = open();
    await expect(call(session)).rejects.toThrow('it refuses join/1-1');
    await expect(call(session)).rejects.toThrow('join/1-1 was tried before');
    expect(joins()).toBe(1);
  });

  it('shows a join token again when the plane could not answer', async () => {
    plane.outage = 503;
    const session = open();
    await expect(call(session)).rejects.toMatchObject({ code: 'unavailable' });
    plane.outage = undefined;
    await expect(call(session)).resolves.toMatchObject({ status: 200 });
  });

  it('must end ten minutes after a refusal, and fifteen minutes after it has expired', async () => {
    const session = open();
    expect(session.deadline()).toBe(now + refusedMs);
    await call(session);
    expect(session.deadline()).toBeGreaterThan(now + 15 * 60_000 + expiredMs - 5_000);
    now += 60_000;
    session.renew('session-1');
    expect(session.deadline()).toBeGreaterThan(now + 15 * 60_000 + expiredMs - 5_000);
    plane.sessions.clear();
    await expect(call(session)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(session.deadline()).toBe(now + refusedMs);
    now += 60_000;
    await expect(call(session)).rejects.toMatchObject({ code: 'unauthenticated' });
    expect(session.deadline()).toBe(now - 60_000 + refusedMs);
  });

  it('takes the token of the newest incarnation and number', () => {
    expect(newestJoin(['gateway/token', 'join/1-9', 'join/2-1', 'join/1-10'])).toBe('join/2-1');
    expect(newestJoin(['join/1-9', 'join/1-10'])).toBe('join/1-10');
    expect(newestJoin(['gateway/token', 'join/x'])).toBeUndefined();
  });
});
