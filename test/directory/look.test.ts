import { fixedPlanes } from '../../functions/planes.ts';
import { toAgentId } from '../../shared/agent.ts';
import type { UserIdentity } from '../../functions/core/providers.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { createLook } from '../../functions/directory/look.ts';
import { claims, namedGroups } from '../../functions/directory/standing.ts';
import { createWatch } from '../../functions/directory/watch.ts';
import { readPlaneFile } from '../../scripts/local/plane-file.ts';
import { join } from 'node:path';
import { createMemoryStore } from '../simulation/memory-store.ts';

const plane = readPlaneFile(join(__dirname, '../../manifests/acme.planes.yaml'));
const log = { info: () => undefined, warn: () => undefined };
const signal = new AbortController().signal;
const clock = { now: () => 1_000_000, deadline: () => signal };
const ctx = { signal, log };
const wake = { wake: () => undefined, flush: async () => undefined };
const agentId = toAgentId('acme', '1', nodeHashing.sha256);
const alice: UserIdentity = {
  ...{ id: '1', email: 'alice@acme.test', name: 'Alice Archer', ouPath: '/Engineering', groups: [], active: true, roles: [] },
  fields: { agentEnabled: true },
};

describe('looks at a user', () => {
  it('never let what an earlier look saw undo what a later one decided (REQ-WSEC-05)', async () => {
    const store = createMemoryStore();
    const answers: ((user: UserIdentity) => void)[] = [];
    const identity = { resolveUser: () => new Promise<UserIdentity>((resolve) => answers.push(resolve)) };
    const look = createLook({ store, clock, hashing: nodeHashing, wake, identity, planes: fixedPlanes([plane]) });
    const begin = async () => {
      const before = answers.length;
      const running = look('1', ctx);
      while (answers.length === before) await Promise.resolve();
      return { running, answer: answers[before] ?? (() => undefined) };
    };
    const first = await begin();
    first.answer(alice);
    await first.running;
    const slow = await begin();
    const quick = await begin();
    quick.answer({ ...alice, active: false, inactiveBecause: 'suspended' });
    await quick.running;
    slow.answer(alice);
    await slow.running;
    expect(await store.get('agents', agentId)).toMatchObject({ desired: 'removed', reason: 'suspended', incarnation: 1 });
  });

  it('change nothing when the directory does not answer', async () => {
    const store = createMemoryStore();
    let user: (() => Promise<UserIdentity | undefined>) | undefined = async () => alice;
    const identity = { resolveUser: async () => user?.() };
    const look = createLook({ store, clock, hashing: nodeHashing, wake, identity, planes: fixedPlanes([plane]) });
    await look('1', ctx);
    user = async () => Promise.reject(new Error('503'));
    await expect(look('1', ctx)).rejects.toThrow('503');
    expect(await store.get('agents', agentId)).toMatchObject({ desired: 'running' });
  });
});

describe('a plane that selects by group', () => {
  const selecting = {
    ...plane,
    spec: { ...plane.spec, identity: { ...plane.spec.identity, selector: { groups: ['pilots@acme.test'] } } },
  };

  it('asks for membership of that group as of those that policies name', () => {
    expect(namedGroups(selecting)).toEqual(['pilots@acme.test', 'engineering-leads@acme.test']);
  });

  it('claims its members and nobody else', () => {
    expect(claims(selecting, { ouPath: '/', groups: ['pilots@acme.test'] })).toBe(true);
    expect(claims(selecting, { ouPath: '/', groups: [] })).toBe(false);
  });

  it('names the ambiguity where two planes claim one user, and provisions nothing', async () => {
    const store = createMemoryStore();
    const second = { ...plane, metadata: { name: 'other' } };
    const identity = { resolveUser: async () => alice };
    const one = createLook({ store, clock, hashing: nodeHashing, wake, identity, planes: fixedPlanes([plane]) });
    await one('1', ctx);
    await createLook({ store, clock, hashing: nodeHashing, wake, identity, planes: fixedPlanes([plane, second]) })('1', ctx);
    expect(await store.get('agents', agentId)).toMatchObject({
      desired: 'removed',
      conditions: [{ type: 'AmbiguousPlane', message: 'claimed by acme and other; narrow their selectors' }],
    });
  });
});

describe('the push channel', () => {
  it('is opened at the next try when the first one failed, and renewed before it ends', async () => {
    const store = createMemoryStore();
    let now = 1_000_000;
    let failing = true;
    const stopped: string[] = [];
    let opened = 0;
    const watch = createWatch({
      ...{ store, wake, log, address: 'http://127.0.0.1/', clock: { ...clock, now: () => now }, random: () => `id-${Math.random()}` },
      identity: {
        async watchEvents({ ttlMs }) {
          if (failing) throw new Error('503');
          opened += 1;
          return { resourceId: `resource-${opened}`, expiresAt: now + ttlMs };
        },
        stopWatching: async ({ resourceId }) => void stopped.push(resourceId),
      },
    });
    await expect(watch(ctx)).rejects.toThrow('503');
    failing = false;
    const next = await watch(ctx);
    expect([opened, next]).toEqual([1, 5.5 * 3_600_000]);
    now += next;
    await watch(ctx);
    expect([opened, stopped]).toEqual([2, []]);
    await watch(ctx);
    expect([opened, stopped]).toEqual([2, ['resource-1']]);
  });
});
