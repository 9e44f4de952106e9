import { planCard } from '../../appsscript/cards/plan.ts';
import { operationCard } from '../../appsscript/cards/operation.ts';
import { admin, meOf, operationOf, planOf, viewer } from './company.ts';
import { cardsIn, click, createHost, problem, textOf, verbsIn, working } from './sandbox.ts';

const bodyOf = (request: { readonly payload?: string } | undefined): unknown => JSON.parse(request?.payload ?? 'null');

describe('work on many agents', () => {
  it.each([
    ['pause', 'all', { work: { kind: 'pause' }, select: { all: true } }],
    ['resume', 'ou:/Sales', { work: { kind: 'resume' }, select: { ou: '/Sales' } }],
    ['rotateSecrets', 'group:leads@acme.test', { work: { kind: 'rotateSecrets' }, select: { group: 'leads@acme.test' } }],
    ['upgrade', 'ou:/', { work: { kind: 'upgrade' }, select: { all: true }, rings: [{ percent: 5 }, { percent: 25 }] }],
  ])('%s of %s is counted first, then begun as it was shown (REQ-WS-05)', (work, scope, body) => {
    const { host, sent } = createHost(working());
    const question = click(host, 'planWork', {}, { work, scope });
    expect(bodyOf(sent[0])).toEqual({ ...body, dryRun: true });
    expect(textOf(question)).toContain('40 agents?');
    sent.length = 0;
    const answer = click(host, 'startWork', { work, scope });
    expect(bodyOf(sent[0])).toEqual({ ...body, dryRun: false });
    expect(answer.stateChanged).toBe(true);
    expect(textOf(cardsIn(answer))).toContain('12 of 40 paused, 1 failed');
  });

  it('begins nothing where nobody fits', () => {
    const { host } = createHost(working(2, { createOperation: () => operationOf({ total: 0 }) }));
    expect(verbsIn(click(host, 'planWork', {}, { work: 'pause', scope: 'all' }))).toEqual(['showBulk']);
  });

  it('says why it was refused, on the card it came from', () => {
    const { host, trips } = createHost((request) =>
      request.method === 'post' ? problem(400, 'invalid', 'cannot find org unit /Gone') : working()(request),
    );
    const answer = click(host, 'planWork', {}, { work: 'pause', scope: 'ou:/Gone' });
    expect(textOf(answer)).toContain('cannot find org unit /Gone');
    expect(verbsIn(answer)).toContain('planWork');
    expect(trips).toHaveLength(2);
  });

  it('shows how far it has come whenever it is opened, and who failed', () => {
    const { host, sent } = createHost(working());
    const text = textOf(cardsIn(click(host, 'openOperation', { id: 'op-1' })));
    expect(sent[0]?.url).toContain('/operations/op-1');
    expect(text).toMatch(/\u2588{6}<\/font><font color="#dadce0">\u2588{14}<\/font> 32%/);
    expect(text).toContain('the machine did not stop');
  });

  it('stops and goes on', () => {
    const { host, sent } = createHost(working());
    const stopped = click(host, 'cancelOperation', { id: 'op-1' });
    expect(verbsIn(stopped)).toContain('resumeOperation');
    click(host, 'resumeOperation', { id: 'op-1' });
    expect(sent.filter(({ method }) => method === 'post').map(({ url }) => url.split('/').at(-1))).toEqual(['cancel', 'resume']);
  });

  it('lets a Viewer watch alone', () => {
    expect(verbsIn(operationCard(operationOf(), viewer))).toEqual(['showOperation', 'showBulk']);
    const { host } = createHost(working(2, { me: () => meOf('viewer') }));
    expect(verbsIn(click(host, 'openBulk', {}))).not.toContain('planWork');
  });
});

describe('moving a model tier', () => {
  it('shows what would change, then applies that very plan (REQ-WS-08, REQ-MAINT-05)', () => {
    const { host, sent } = createHost(working());
    const shown = click(host, 'planTier', {}, { from: 'sonnet', to: 'opus', tierScope: 'ou:/Sales' });
    expect(bodyOf(sent[0])).toEqual({ change: { kind: 'tier', match: { ou: '/Sales' }, from: 'sonnet', to: 'opus' } });
    expect(textOf(shown)).toContain('14 agents change');
    expect(textOf(shown)).toContain('Model: Sonnet → Opus.');
    expect(verbsIn(shown)).toContain('applyPlan');
    const answer = click(host, 'applyPlan', { id: 'plan-1', removals: '0' });
    expect(sent.at(-2)?.url).toContain('/plans/plan-1/apply');
    expect(answer.action.notification?.text).toBe('Applied. The agents follow within seconds.');
  });

  it('moves whoever has any model, in the whole company', () => {
    const { host, sent } = createHost(working());
    click(host, 'planTier', {}, { from: 'any', to: 'opus', tierScope: 'all' });
    expect(bodyOf(sent[0])).toEqual({ change: { kind: 'tier', match: { organization: true }, to: 'opus' } });
  });

  it('plans nothing from a tier to itself', () => {
    const { host, sent } = createHost(working());
    expect(click(host, 'planTier', {}, { from: 'opus', to: 'opus', tierScope: 'all' }).action.notification?.text).toContain(
      'two different',
    );
    expect(sent).toEqual([]);
  });

  it('offers no way to apply what is refused, changes nothing or is done', () => {
    const verbs = (changes: Parameters<typeof planOf>[1], count = 14) => verbsIn(planCard(planOf(count, changes), admin));
    expect(verbs({})).toContain('applyPlan');
    for (const changes of [{ refusals: ['modelTier is locked'] }, { state: 'applied' as const }, { state: 'stale' as const }]) {
      expect(verbs(changes)).not.toContain('applyPlan');
    }
    expect(verbs({}, 0)).not.toContain('applyPlan');
  });

  it('says that a second person has to approve', () => {
    const { host } = createHost(working(2, { applyPlan: () => planOf(14, { state: 'waiting' }) }));
    expect(click(host, 'applyPlan', { id: 'plan-1', removals: '0' }).action.notification?.text).toContain('second person');
  });
});

describe('costs', () => {
  it('reports by department, the dearest first, with the month\u2019s forecast (REQ-WS-05)', () => {
    const { host, sent } = createHost(working());
    const text = textOf(cardsIn(click(host, 'openCosts', {})));
    expect(sent[0]?.url).toContain('/cost-report?period=month&by=department');
    expect(text.indexOf('Department 2')).toBeLessThan(text.indexOf('Department 0'));
    expect(text).toContain('Models $2.50, machines $24.46, at this pace $27.96 by the end of the month');
  });

  it('answers a download with a link that the plane made for it', () => {
    const { host, sent } = createHost(working());
    const answer = click(host, 'downloadCosts', { by: 'ou', period: '30d' });
    expect(bodyOf(sent[0])).toEqual({ report: 'cost', period: '30d', by: 'ou' });
    expect(answer.action).toEqual({ link: { url: 'https://plane.acme.test/downloads/x' } });
  });
});
