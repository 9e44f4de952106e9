import { approvalsCard, flipsCard, requestCard } from '../../appsscript/cards/approvals.ts';
import { planCard } from '../../appsscript/cards/plan.ts';
import { admin, planOf, viewer } from './company.ts';
import { flipsOf, requestOf } from './policy-company.ts';
import { cardsIn, click, createHost, problem, textOf, verbsIn, working } from './sandbox.ts';

const bodyOf = (request: { readonly payload?: string } | undefined): unknown => JSON.parse(request?.payload ?? 'null');
const full = {
  listRequests: () => ({ requests: [requestOf(1)], next: null }),
  listApprovals: () => ({ approvals: [flipsOf(40)], next: null }),
  listPlans: () => ({ plans: [planOf(3, { state: 'waiting', createdBy: 'other@acme.test' })], next: null }),
};

describe('approvals', () => {
  it('lists what agents ask for, plans that wait and many agents at once (REQ-UX-05)', () => {
    const { host, trips } = createHost(working(2, full));
    const card = click(host, 'openApprovals', {});
    expect(textOf(card)).toContain('Tools: GitHub. Channels: Slack');
    expect(textOf(card)).toContain('2 agents created, 40 agents removed');
    expect(verbsIn(card)).toEqual(['openRequest', 'openPlan', 'openFlips', 'showApprovals']);
    expect(trips).toEqual([4]);
  });

  it('says that nothing waits', () => {
    expect(textOf(approvalsCard({ requests: [], flips: [], plans: [], most: 10 }, admin))).toContain('Nothing is waiting.');
  });

  it.each([
    ['openRequest', { id: 'request-1' }, 'You asked me to open pull requests.', ['decideRequest', 'decideRequest', 'showApprovals']],
    ['openFlips', { id: 'flips-1' }, 'person0@acme.test', ['decideFlips', 'decideFlips', 'showApprovals']],
  ] as const)('%s shows all of it before somebody decides', (name, parameters, words, verbs) => {
    const { host } = createHost(working(2, full));
    const card = click(host, name, parameters);
    expect(textOf(card)).toContain(words);
    expect(verbsIn(card)).toEqual(verbs);
  });

  it.each([
    ['decideRequest', { id: 'request-1', decision: 'approve' }, '/requests/request-1'],
    ['decideFlips', { id: 'flips-1', decision: 'deny' }, '/approvals/flips-1'],
    ['decidePlan', { id: 'plan-1', decision: 'deny' }, '/plans/plan-1/decision'],
  ] as const)('%s sends the decision with its reason', (name, parameters, path) => {
    const { host, sent } = createHost(working(2, full));
    const answer = click(host, name, parameters, { reason: ' as we agreed ' });
    const post = sent.find(({ method }) => method === 'post');
    expect(post?.url).toContain(path);
    expect(bodyOf(post)).toEqual({ decision: parameters.decision, reason: 'as we agreed' });
    expect(answer.stateChanged).toBe(true);
  });

  it('leaves an empty reason out', () => {
    const { host, sent } = createHost(working(2, full));
    click(host, 'decideRequest', { id: 'request-1', decision: 'deny' }, { reason: '' });
    expect(bodyOf(sent[0])).toEqual({ decision: 'deny' });
  });

  it('says that somebody else was faster', () => {
    const { host } = createHost(working());
    expect(textOf(cardsIn(click(host, 'openRequest', { id: 'request-9' })))).toContain('is decided already');
    const late = createHost((request) =>
      request.method === 'post' ? problem(409, 'conflict', 'it was denied already') : working()(request),
    );
    expect(textOf(click(late.host, 'decideRequest', { id: 'request-1', decision: 'approve' }))).toContain('it was denied already');
  });

  it('lets a Viewer look at all of it and decide nothing (REQ-WSEC-02)', () => {
    for (const card of [requestCard(requestOf(1), viewer), flipsCard(flipsOf(3), viewer)]) expect(verbsIn(card)).toEqual(['showApprovals']);
    expect(verbsIn(planCard(planOf(3, { state: 'waiting', createdBy: 'other@acme.test' }), viewer))).toEqual(['showApprovals']);
  });

  it('lets whoever made a plan take it back, but not approve it', () => {
    const own = planCard(planOf(3, { state: 'waiting', createdBy: admin.email }), admin);
    expect(textOf(own)).toContain('Take it back');
    expect(textOf(own)).not.toContain('Approve\n');
    expect(verbsIn(own).filter((verb) => verb === 'decidePlan')).toHaveLength(1);
    expect(
      verbsIn(planCard(planOf(3, { state: 'waiting', createdBy: 'other@acme.test' }), admin)).filter((verb) => verb === 'decidePlan'),
    ).toHaveLength(2);
  });
});
