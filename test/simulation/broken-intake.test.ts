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
    what: 'lets looks that a walk wanted for something else do what policy wants',
    caught: /^unasked: /,
    breaks: [{ file: 'look.ts', find: 'if (!flip || (mayFlip && !held)) return draft;', replace: 'if (!flip || !held) return draft;' }],
  },
  {
    what: 'asks nobody, however many agents policy would create or remove',
    caught: /^unasked: /,
    breaks: [{ file: 'flips.ts', find: '<= mostUnasked) {', replace: '<= mostUnasked + 1_000) {' }],
  },
  {
    what: 'never finds by itself who has vanished',
    caught: /^(4|9|unended): /,
    breaks: [
      {
        file: 'round.ts',
        find: "const missing = new Map([...byOwner].filter(([ownerId]) => ownerId !== '' && !present.has(ownerId)));",
        replace: 'const missing = new Map([...byOwner].filter(() => present.size > 1_000));',
      },
      { file: 'round.ts', find: '(running[at] ? [id] : [])', replace: '(running.length > 1_000 ? [id] : [])' },
    ],
  },
  {
    what: 'takes the directory for read through though a page of it failed',
    caught: /^unended: /,
    breaks: [
      {
        file: 'round.ts',
        find: 'walk = await readOnePage(walk, visitor.visit, ctx);',
        replace: 'walk = await readOnePage(walk, visitor.visit, ctx).catch(() => ({ ...walk, ending: {} }));',
      },
      {
        file: 'round.ts',
        find: 'if (asksDeleted || walk.unordered) await readDeleted',
        replace: "if (name !== 'roll-call' && (asksDeleted || walk.unordered)) await readDeleted",
      },
    ],
  },
  {
    what: 'goes on without looking at who has left',
    caught: /^unended: /,
    breaks: [{ file: 'roll-call.ts', find: 'await each(left, ctx, (ownerId) => look(ownerId, ctx));', replace: 'void left;' }],
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
