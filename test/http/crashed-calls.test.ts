import { join } from 'node:path';
import { contract } from '../../shared/contract.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import type { Collection, Store } from '../../functions/core/store.ts';
import { readPlaneFile } from '../../scripts/local/plane-file.ts';
import { admin, changes, mutations, openScene } from './every-change.ts';
import type { World } from './world.ts';

const sample = readPlaneFile(join(__dirname, '../../manifests/acme.planes.yaml'));
/** By then the process of a call is taken for dead, and so is a writer of wishes. */
const lapseMs = 31_000;

/** The store of a process that dies after, or just before, one of its commits. */
function createMortalStore(store: Store) {
  let [commits, end, dead]: [number, { readonly before?: number; readonly after?: number }, boolean] = [0, {}, false];
  function live(): void {
    if (dead) throw new PlaneError('unavailable', 'the process is dead');
  }
  const within: Store = {
    ...store,
    async get(collection, id) {
      live();
      return store.get(collection, id);
    },
    async query(collection, index, query) {
      live();
      return store.query(collection, index, query);
    },
    async transact(work) {
      dead ||= commits + 1 === end.before;
      live();
      const result = await store.transact(work);
      commits += 1;
      dead ||= commits === end.after;
      live();
      return result;
    },
  };
  return {
    within,
    arm(when: typeof end): void {
      [commits, end, dead] = [0, when, false];
    },
    commits: () => commits,
    isDead: () => dead,
  };
}

const counted = [
  ...(['agents', 'planes', 'plans', 'planChunks', 'operations', 'operationLists'] as const),
  ...(['commands', 'backups', 'requests', 'grants', 'heals', 'cares', 'upgrades', 'holds'] as const),
] satisfies readonly Collection[];

/** What the caller brought about, as the audit and the store have it. */
function traces({ store }: World) {
  const rows = [...store.entries('audit')].map(([, row]) => row).filter(({ actor }) => actor.id === admin);
  const agents = [...store.entries('agents')].map(([, { name, restarts, revision, paused, spec }]) => ({
    ...{ name, restarts, revision, spec, paused: paused?.reason },
  }));
  return {
    rows: rows.map(({ action }) => action).sort(),
    documents: Object.fromEntries(counted.map((name) => [name, [...store.entries(name)].length])),
    agents,
    planes: [...store.entries('planes')].map(([, { planeId, revision, state }]) => ({ planeId, revision, state })),
    plans: [...store.entries('plans')].map(([, { state }]) => state),
  };
}

type Scene = Awaited<ReturnType<typeof openScene>>;

async function openDoomed(scene: Scene) {
  const { world, toRequest } = scene;
  const mortal = createMortalStore(world.store);
  const doomed = world.start('doomed', 'sample', { ...world.plane }, mortal.within);
  await doomed.planes.refresh();
  const headers = { 'idempotency-key': 'the-key' };

  return async function run(when: { readonly before?: number; readonly after?: number }) {
    mortal.arm(when);
    const first = await doomed.app.fetch(toRequest(headers));
    const commits = mortal.commits();
    if (!mortal.isDead()) return { commits, status: first.status, text: await first.text(), ...traces(world) };
    await world.pass(lapseMs, /^$/);
    const again = await world.app.fetch(toRequest(headers));
    const text = await again.text();
    const outcome = { commits, status: again.status, text, ...traces(world) };
    const third = await world.app.fetch(toRequest(headers));
    expect([third.headers.get('idempotency-replayed'), await third.text()]).toEqual(['true', text]);
    await scene.restore();
    // Tokens of the directory are checked against the real time.
    await world.pass(-lapseMs, /^$/);
    return outcome;
  };
}

/** What differs by chance alone. */
const withoutText = ({ text: _text, commits: _commits, ...rest }: Awaited<ReturnType<Awaited<ReturnType<typeof openDoomed>>>>) => rest;

describe('a call that a crash cut off, sent again with its Idempotency-Key', () => {
  const onTestEnd: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of onTestEnd.splice(0)) await close();
  });

  it('is tried for every row of the contract that changes something', () => {
    expect([...new Set(changes.map(({ operation }) => operation))].sort()).toEqual([...mutations].sort());
  });

  it.each(changes.map((change) => [`${change.operation} ${change.name}`.trim(), change] as const))(
    'has its effect once, wherever the crash came: %s',
    async (_name, change) => {
      const scene = await openScene(change, sample);
      onTestEnd.push(() => scene.world.close());
      const run = await openDoomed(scene);
      const whole = await run({});
      await scene.restore();
      expect({ status: whole.status, text: whole.text }).toMatchObject({ status: contract[change.operation].status });
      expect(whole.commits).toBeGreaterThan(1);
      for (let commit = 1; commit <= whole.commits; commit += 1) {
        for (const when of [{ before: commit }, { after: commit }]) {
          const cut = await run(when);
          expect({ when, text: cut.text, ...withoutText(cut) }).toEqual({ when, text: cut.text, ...withoutText(whole) });
        }
      }
    },
    120_000,
  );
});
