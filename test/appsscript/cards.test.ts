import { handlers } from '../../appsscript/handlers/index.ts';
import { findCardFaults } from '../../scripts/local/preview/card-rules.ts';
import { admin, viewer } from './company.ts';
import { everyCard } from './every-card.ts';
import { actionsIn, createAdapter, textOf, verbsIn } from './sandbox.ts';

const sizes = [0, 1, 20, 500, 10_000];

/** Google names no size for a card beside its hundred widgets; Chat, which draws the same cards, takes 32 kB of one message. */
const mostBytes = 32_000;
const names = Object.keys(everyCard(0, admin));

describe.each(names)('%s', (name) => {
  it.each(sizes)('is one that Google shows whole, with %i agents', (count) => {
    const card = everyCard(count, admin)[name]?.();
    expect(card && findCardFaults({ ...card })).toEqual([]);
    expect(Buffer.byteLength(JSON.stringify(card))).toBeLessThan(mostBytes);
  });

  it('comes out of CardService as it went in', async () => {
    const adapt = await createAdapter();
    const card = everyCard(20, admin)[name]?.();
    expect(adapt('renderCard', card)).toEqual(card);
  });

  it('asks for nothing that has no handler', () => {
    const card = everyCard(20, admin)[name]?.();
    for (const verb of verbsIn(card)) expect(Object.keys(handlers)).toContain(verb);
  });

  it('lets no name or sentence become markup', () => {
    const card = everyCard(500, admin)[name]?.();
    const htmlIn = (value: unknown): string[] =>
      typeof value !== 'object' || value === null
        ? []
        : Object.entries(value).flatMap(([key, inner]) =>
            key === 'text' && typeof inner === 'string' && !('value' in value) && !('type' in value) ? [inner] : htmlIn(inner),
          );
    for (const html of htmlIn(card)) expect(html).not.toMatch(/<b>\u00d6/);
  });
});

const changing = new Set([
  ...['switchAgent', 'switchOff', 'askVerb', 'doVerb', 'editField', 'saveField', 'inheritField', 'inheritOff', 'askRestore', 'restore'],
  ...['planWork', 'startWork', 'cancelOperation', 'resumeOperation', 'planTier', 'applyPlan', 'askApply'],
  ...['chooseUnit', 'chooseGroup', 'planLayer', 'planNoLayer', 'planMove', 'decidePlan', 'decideRequest', 'decideFlips'],
]);
/** Questions are asked of admins alone: no card of a Viewer leads there. */
const asked = /^(?:question|editing|switching off|going back|restoring)/;

/** Beyond an admin of some org units, whom the plane refuses them. */
const wholeCompany = [
  ...['openBulk', 'openCosts', 'openHistory', 'planWork', 'cancelOperation', 'openApprovals', 'openAudit'],
  ...['planLayer', 'planNoLayer', 'planMove', 'applyPlan', 'askApply', 'decidePlan', 'decideRequest', 'decideFlips'],
];

describe('a Viewer', () => {
  it.each(names.filter((name) => !asked.test(name)))('sees no verb on: %s', (name) => {
    expect(verbsIn(everyCard(20, viewer)[name]?.()).filter((verb) => changing.has(verb))).toEqual([]);
  });

  it.each(['agent', 'home', 'operation', 'costs'])('sees the same figures as an admin on: %s', (name) => {
    const figures = (text: string): string[] => (text.match(/\$[\d,.]+|\d+ of \d+/g) ?? []).toSorted();
    const [seen, all] = [textOf(everyCard(20, viewer)[name]?.()), textOf(everyCard(20, admin)[name]?.())];
    expect(figures(seen)).toEqual(figures(all));
    expect(figures(seen)).not.toEqual([]);
  });

  it('is led to no card that only an admin of the whole company may see, when responsible for an org unit alone', () => {
    const scoped = { ...admin, wholeCompany: false };
    const verbs = names.filter((name) => !asked.test(name)).flatMap((name) => verbsIn(everyCard(20, scoped)[name]?.()));
    expect(verbs).toContain('doVerb');
    for (const verb of wholeCompany) expect(verbs).not.toContain(verb);
  });
});

describe('actions', () => {
  it('are each reachable from some card', () => {
    const reachable = new Set(names.flatMap((name) => [admin, viewer].flatMap((reader) => verbsIn(everyCard(500, reader)[name]?.()))));
    const paused = everyCard(1, admin)['agent']?.();
    for (const verb of verbsIn(paused)) reachable.add(verb);
    // Drawn only where an operation has stopped.
    reachable.add('resumeOperation');
    expect(Object.keys(handlers).filter((name) => !reachable.has(name))).toEqual([]);
  });

  it('fit into what a click carries', () => {
    for (const name of names) {
      for (const { parameters } of actionsIn(everyCard(10_000, admin)[name]?.())) {
        expect(JSON.stringify(parameters).length).toBeLessThan(2_000);
      }
    }
  });
});

describe('drawing', () => {
  it('takes a few milliseconds and stays within the limits at any size (table)', () => {
    const lines = sizes.flatMap((count) =>
      Object.entries(everyCard(count, admin)).map(([name, draw]) => {
        const began = performance.now();
        const card = draw();
        const ms = performance.now() - began;
        const widgets = card.sections.reduce((sum, section) => sum + section.widgets.length, 0);
        return { agents: count, card: name, widgets, bytes: Buffer.byteLength(JSON.stringify(card)), ms: Math.round(ms * 10) / 10 };
      }),
    );
    const worst = lines.toSorted((a, b) => b.bytes - a.bytes).slice(0, 8);
    process.stdout.write(
      worst
        .map(({ agents, card, widgets, bytes, ms }) => `${agents} agents, ${card}: ${widgets} widgets, ${bytes} bytes, ${ms} ms\n`)
        .join(''),
    );
    expect(Math.max(...lines.map(({ widgets }) => widgets))).toBeLessThanOrEqual(100);
  });
});
