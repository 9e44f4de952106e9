import { loadSimulation, type Break } from './load.ts';

interface Mistake {
  readonly what: string;
  /** What the first violation must be about. */
  readonly caught: RegExp;
  readonly breaks: readonly Break[];
  /** The first of a hundred seeds, where it takes a rare coincidence. */
  readonly from?: number;
}

const mistakes: readonly Mistake[] = [
  {
    what: 'writes without asking whether the lease is still its own',
    caught: /^3: /,
    breaks: [{ file: 'lease.ts', find: 'if (held?.fence !== fence) throw lost(agentId);', replace: 'if (!held) throw lost(agentId);' }],
  },
  {
    what: 'takes what another plane holds for its own',
    caught: /^owner: /,
    breaks: [{ file: 'part.ts', find: 'a.planeId === b.planeId && a.agentId === b.agentId;', replace: 'a.agentId === b.agentId;' }],
  },
  {
    what: 'records a removal before the listings are empty',
    caught: /^2: /,
    breaks: [
      { file: 'removal.ts', find: 'if (planRemoval(after, agent).remove.length > 0) return waitFor(removalPollMs);', replace: '' },
      { file: 'removal.ts', find: 'if (listings.some(({ found }) => found > 0)) return waitFor(removalPollMs);', replace: '' },
      { file: 'removal.ts', find: 'if (clock.now() < provenFrom) return waitFor(provenFrom - clock.now());', replace: '' },
    ],
  },
  {
    what: 'removes the machine before it revokes',
    caught: /^4: /,
    breaks: [
      {
        file: 'removal.ts',
        find: "const revoked = await attempt(plan.revoke, 'revoke', parts, lease, fresh ? before : undefined);",
        replace:
          "await attempt(plan.remove.slice(0, 1), 'remove', parts, lease, fresh ? before : undefined); const revoked = await attempt(plan.revoke, 'revoke', parts, lease);",
      },
    ],
  },
  {
    what: 'takes a failed look for absence',
    caught: /^absence: /,
    breaks: [{ file: 'pass.ts', find: "({ state: 'unknown', error })", replace: "(void error, { state: 'absent' })" }],
  },
  {
    what: 'signs a receipt while an effect may still land',
    caught: /^2: /,
    breaks: [
      { file: 'removal.ts', find: 'if (clock.now() < provenFrom) return', replace: 'if (clock.now() < provenFrom - 10_000) return' },
    ],
  },
  {
    what: 'goes on making an agent whose owner was suspended meanwhile',
    caught: /^4: /,
    breaks: [{ file: 'lease.ts', find: 'if (builds && ', replace: 'if (builds && !builds && ' }],
  },
  {
    what: 'makes a machine elsewhere while the old one is there',
    caught: /^1: /,
    breaks: [{ file: 'parts.ts', find: 'if (moved) return', replace: 'if (moved && false) return' }],
  },
  {
    what: 'acts without an audit row',
    caught: /^8: /,
    breaks: [{ file: 'lease.ts', find: '`effect.start ${effect.verb}`', replace: '`effect.begun ${effect.verb}`' }],
  },
  {
    what: 'pauses without turning the machine off',
    caught: /^(paused|9): /,
    breaks: [
      { file: 'wanted.ts', find: 'machine: paused ? { on: false } :', replace: 'machine: paused ? {} :' },
      { file: 'parts.ts', find: 'ready: paused ? !on :', replace: 'ready: paused ? true :' },
    ],
  },
  {
    what: 'accepts a model key of any version',
    caught: /^keys: .* is accepted/,
    breaks: [
      { file: 'credentials.ts', find: "if (kind === 'model' && !(await isLive", replace: "if (kind === 'gateway' && !(await isLive" },
    ],
  },
  {
    what: 'forgets the wish for a fresh machine of an agent that is paused',
    caught: /^replacement: /,
    breaks: [{ file: 'pass.ts', find: 'replaced || agent.paused ? before', replace: 'replaced ? before' }],
    from: 801,
  },
];

test.each(mistakes)(
  'catches a core that $what',
  async ({ what, caught, breaks, from = 1 }) => {
    const { findViolation, range } = await loadSimulation(breaks);
    const found = await findViolation(range(from, 100), 200);
    process.stdout.write(
      `a core that ${what}: ${found ? `caught by history ${found.histories}: ${found.violation}` : 'not caught in 100 histories'}\n`,
    );
    expect(found?.violation).toMatch(caught);
  },
  120_000,
);

test('tells the seed and the shortest history of what it caught', async () => {
  const { runCampaign } = await loadSimulation(mistakes[3]?.breaks);
  const told = await runCampaign([2], 200).then(() => 'nothing was caught', String);
  process.stdout.write(`${told}\n`);
  expect(told).toMatch(/history 2 violates 4: .*\n.*the shortest is\n4: .*\nseed 2, /);
  expect(told.split('\n').length).toBeLessThan(20);
}, 120_000);

test('says so when the core has moved on and a mistake no longer applies', async () => {
  const gone = loadSimulation([{ file: 'lease.ts', find: 'no such line', replace: '' }]);
  await expect(gone).rejects.toThrow('is there 0 times');
});
