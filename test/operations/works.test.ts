import { PlaneError } from '../../functions/core/errors.ts';
import type { HeartbeatRecord, StatusRecord } from '../../functions/core/records.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { createCareWork, createUpgradeWork, type Steps } from '../../functions/operations/care-work.ts';
import { createRemovalWork } from '../../functions/operations/removal-work.ts';
import { createVerbWork } from '../../functions/operations/verb-work.ts';
import type { Work } from '../../functions/operations/work.ts';
import { toAgent } from '../backup/world.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { createHandClock } from '../wake/loopback.ts';
import { admin, toId } from './world.ts';

const agentId = toId(1);

/** One agent that runs, and what a pass and a machine would write of it. */
async function open() {
  const [store, clock] = [createMemoryStore(), createHandClock()];
  const deps = { store, clock, hashing: nodeHashing, wake: { wake: () => undefined, flush: async () => undefined } };
  const agent = async () => {
    const found = await store.get('agents', agentId);
    if (!found) throw new Error('no agent');
    return found;
  };
  await store.transact(async (tx) => tx.set('agents', agentId, toAgent(agentId)));
  /** A pass that has done all there is to do. */
  async function pass(more: Partial<StatusRecord> = {}): Promise<void> {
    const { revision, incarnation, restarts, replacements, secretsVersion, paused } = await agent();
    clock.pass(1_000);
    const counts = { revision, incarnation, restarts, replacements, secretsVersion, effectsUntil: 0, changedAt: clock.now() };
    const phase = paused ? ('paused' as const) : ('running' as const);
    const status = { agentId, planeId: 'acme', phase, parts: {}, conditions: [], ...counts, ...more };
    await store.transact(async (tx) => tx.set('statuses', agentId, status));
  }
  async function beat(more: Partial<HeartbeatRecord> = {}): Promise<void> {
    clock.pass(1_000);
    const said = { agentId, incarnation: 1, at: clock.now(), revision: 1, live: true, ready: true, boot: 1, ...more };
    await store.transact(async (tx) => tx.set('heartbeats', agentId, said));
  }
  /** Looks twice at once, as two processes do, and once more; answers what it came to, with the message. */
  async function look(work: Work, before: string): Promise<string> {
    const claim = { before, startedAt: clock.now(), args: {} };
    const once = async () => work.look(await agent(), claim, admin);
    await Promise.all([once(), once()]);
    const outcome = await once();
    return 'message' in outcome ? `${outcome.state}: ${outcome.message}` : outcome.state;
  }
  await pass();
  await beat();
  return { store, clock, agent, pass, beat, look, works: createVerbWork(deps), removal: createRemovalWork(store) };
}

describe('the work on one agent, looked at by two processes at once,', () => {
  it('restarts once, and is done with a heartbeat after the pass that did it', async () => {
    const { works, agent, pass, beat, look } = await open();
    const before = await works.restart.before(await agent());
    expect(await look(works.restart, before)).toBe('running');
    expect((await agent()).restarts).toBe(1);
    await beat();
    expect(await look(works.restart, before)).toBe('running');
    await pass();
    expect(await look(works.restart, before)).toBe('running');
    await beat({ ready: false });
    expect(await look(works.restart, before)).toBe('running');
    await beat();
    expect(await look(works.restart, before)).toBe('done');
    expect((await agent()).restarts).toBe(1);
  });

  it('pauses and resumes, and passes over who is so already', async () => {
    const { works, agent, pass, beat, look } = await open();
    expect(await look(works.resume, await works.resume.before(await agent()))).toBe('skipped: it was not paused');
    const before = await works.pause.before(await agent());
    expect(await look(works.pause, before)).toBe('running');
    expect((await agent()).paused).toMatchObject({ reason: 'paused by an admin' });
    await pass();
    expect(await look(works.pause, before)).toBe('done');
    const paused = 'it was paused already (paused by an admin)';
    expect(await look(works.pause, await works.pause.before(await agent()))).toBe(`skipped: ${paused}`);
    expect(await look(works.restart, '0')).toBe('skipped: it is paused (paused by an admin)');
    const wasPaused = await works.resume.before(await agent());
    expect(await look(works.resume, wasPaused)).toBe('running');
    await pass();
    await beat();
    expect(await look(works.resume, wasPaused)).toBe('done');
  });

  it('rotates once, after a rotation that is under way, and is done when the machine says so', async () => {
    const { works, agent, beat, look } = await open();
    const before = await works.rotateSecrets.before(await agent());
    expect(await look(works.rotateSecrets, before)).toBe('running');
    expect((await agent()).secretsVersion).toBe(2);
    const next = await works.rotateSecrets.before(await agent());
    expect(await look(works.rotateSecrets, next)).toBe('running');
    expect((await agent()).secretsVersion).toBe(2);
    await beat({ secretsVersion: '1.2' });
    expect(await look(works.rotateSecrets, before)).toBe('done');
    expect(await look(works.rotateSecrets, next)).toBe('running');
    expect((await agent()).secretsVersion).toBe(3);
    await beat({ secretsVersion: '1.3' });
    expect(await look(works.rotateSecrets, next)).toBe('done');
  });

  it('follows a removal to its proof', async () => {
    const { store, agent, pass, look, removal } = await open();
    await store.transact(async (tx) => tx.set('agents', agentId, toAgent(agentId, { desired: 'removed' })));
    expect(await look(removal, await removal.before(await agent()))).toBe('running');
    await pass({ phase: 'removed' });
    expect(await look(removal, '')).toBe('done');
  });
});

/** Steps that are begun as functions/care does it: never twice at once. */
function createSteps() {
  const versions = ['1'];
  let state: Awaited<ReturnType<Steps['stateOf']>> = 'done';
  const refusals: string[] = [];
  const steps: Steps = {
    patienceMs: 1,
    last: async () => String(versions.length),
    async begin(_agent, _by, args) {
      await Promise.resolve();
      const refusal = refusals.shift() ?? (state === 'running' ? 'that is under way' : undefined);
      if (refusal !== undefined) throw new PlaneError('conflict', refusal);
      state = 'running';
      versions.push(args['version'] ?? '');
    },
    stateOf: async () => state,
  };
  return { steps, versions, refusals, end: (as: typeof state) => void (state = as) };
}

describe('work that takes several steps', () => {
  const agent = toAgent(agentId);
  const claim = { before: '1', startedAt: 0, args: { version: '2' } };

  it('is begun once though two processes begin it, and tells how it came out', async () => {
    const { steps, versions, end } = createSteps();
    const work = createCareWork(steps);
    expect(await Promise.all([work.look(agent, claim, admin), work.look(agent, claim, admin)])).toEqual([
      { state: 'running' },
      { state: 'running' },
    ]);
    expect(versions).toEqual(['1', '2']);
    end({ failed: 'the disk is full' });
    expect(await work.look(agent, claim, admin)).toEqual({ state: 'failed', message: 'the disk is full' });
    expect(versions).toEqual(['1', '2']);
  });

  it('says what is in the way of it', async () => {
    const { steps, refusals } = createSteps();
    refusals.push('it is paused');
    await expect(createCareWork(steps).look(agent, claim, admin)).rejects.toThrow('it is paused');
  });

  it('passes over an agent that has the version, and brings one back to the version it had', async () => {
    const { steps, versions, end } = createSteps();
    const work = createUpgradeWork(steps, async () => versions.at(-1));
    expect(await work.look(agent, { ...claim, args: { version: '1' } }, admin)).toMatchObject({ state: 'skipped' });
    const former = await work.former?.(agent);
    await work.look(agent, claim, admin);
    end('done');
    expect(await work.look(agent, claim, admin)).toEqual({ state: 'done' });
    const back = { ...claim, before: await work.before(agent) };
    expect(await work.undo?.(agent, back, former ?? '', admin)).toEqual({ state: 'running' });
    expect(versions).toEqual(['1', '2', '1']);
    end('done');
    expect(await work.undo?.(agent, back, former ?? '', admin)).toEqual({ state: 'done' });
    expect(await work.undo?.(agent, back, '', admin)).toMatchObject({ state: 'failed' });
  });
});
