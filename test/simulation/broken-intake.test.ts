import { loadSimulation, type Break } from './load.ts';

interface Mistake {
  readonly what: string;
  /** What the first violation must be about. */
  readonly caught: RegExp;
  readonly breaks: readonly Break[];
}

const mistakes: readonly Mistake[] = [
  {
    what: 'lets an older look undo what a later one has seen',
    caught: /^order: /,
    breaks: [
      {
        file: 'look.ts',
        find: "return async (tx) => (await tx.get('looks', userKey))?.seq === seq;",
        replace: 'return async () => seq > 0;',
      },
    ],
  },
  {
    what: 'takes a failed read of a user for their deletion',
    caught: /^absence: /,
    breaks: [
      {
        file: 'look.ts',
        find: 'const user = await identity.resolveUser(userId, { ...ctx, urgent }).catch((error: unknown) => forgetLook(userId, error));',
        replace: 'const user = await identity.resolveUser(userId, { ...ctx, urgent }).catch(() => undefined);',
      },
    ],
  },
  {
    what: 'acts on what waits for an admin',
    caught: /^(held|unasked): /,
    breaks: [
      {
        file: 'approvals.ts',
        find: "return approval?.state === 'waiting' || approval?.state === 'denied';",
        replace: 'return approval === null;',
      },
    ],
  },
  {
    what: 'asks nobody, however many agents policy would create or remove',
    caught: /^unasked: /,
    breaks: [{ file: 'flips.ts', find: '<= mostUnasked) {', replace: '<= mostUnasked + 1_000) {' }],
  },
  {
    what: 'never finds on a walk who has vanished',
    caught: /^(4|9): /,
    breaks: [
      {
        file: 'walk.ts',
        find: "if (ownerId === '' || agents.every(({ desired }) => desired === 'removed')) continue;",
        replace: 'if (agents.length < 1_000) continue;',
      },
      { file: 'walk.ts', find: 'if (running[at]) await', replace: 'if (running.length > 1_000) await' },
    ],
  },
  {
    what: 'takes a page that failed for the end of the directory',
    caught: /^(4|9|unasked): /,
    breaks: [
      {
        file: 'walk.ts',
        find: 'const page = await identity.listPage(walk.token === undefined ? {} : { token: walk.token }, ctx);',
        replace:
          'const page = await identity.listPage(walk.token === undefined ? {} : { token: walk.token }, ctx).catch((): Awaited<ReturnType<typeof identity.listPage>> => ({ users: [] }));',
      },
    ],
  },
  {
    what: 'leaves an agent paused that is to go',
    caught: /^paused: .* is to be removed and paused at once/,
    breaks: [
      { file: 'look.ts', find: 'const { paused: _paused, ...kept } = asDraft(current);', replace: 'const kept = asDraft(current);' },
    ],
  },
];

test.each(mistakes)(
  'catches an intake that $what',
  async ({ what, caught, breaks }) => {
    const { findIntakeViolation, range } = await loadSimulation(breaks);
    const found = await findIntakeViolation(range(1, 100), 30);
    process.stdout.write(
      `an intake that ${what}: ${found ? `caught by history ${found.histories}: ${found.violation}` : 'not caught in 100 histories'}\n`,
    );
    expect(found?.violation).toMatch(caught);
  },
  120_000,
);
