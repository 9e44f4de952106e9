import { agentCard } from '../../appsscript/cards/agent.ts';
import { editFieldCard } from '../../appsscript/cards/edit-field.ts';
import type { Card } from '../../appsscript/card.ts';
import { admin, agentOf, explanationOf, userOf, viewer, withoutAgent } from './company.ts';
import { cardsIn, click, createHost, json, problem, textOf, verbsIn, working, type Reply, type SentRequest } from './sandbox.ts';

const changes = new Set(['patch', 'post']);
/** Reads work; changes get this reply. */
const refusing = (reply: Reply) => (request: SentRequest) => (changes.has(request.method) ? reply : working()(request));
const rows = (card: Card) =>
  card.sections.flatMap(({ widgets }) => widgets.flatMap((widget) => ('decoratedText' in widget ? [widget.decoratedText] : [])));
const row = (card: Card, topLabel: string) => rows(card).find((one) => one.topLabel === topLabel);
const agentId = agentOf(7).agentId;
const on = { user: '1007', agentId };

describe('agent card', () => {
  it('says where each value comes from and what a limit took away (REQ-WS-02, REQ-WS-03)', () => {
    const card = agentCard(userOf(7), admin);
    expect(row(card, 'Model')).toMatchObject({ text: 'Sonnet', bottomLabel: 'From the organization' });
    expect(row(card, 'Budget')).toMatchObject({
      text: '$200 a month',
      bottomLabel: 'Asked for $1,500 a month (this person\u2019s page); limited by the organization',
    });
    expect(row(card, 'Tools')).toMatchObject({
      text: 'Calendar, Email',
      bottomLabel: 'From organizational unit /Engineering. Allowed, but not connected yet: Calendar, Email',
    });
    expect(row(card, 'Channels')).toMatchObject({ text: 'Email, Google Chat', bottomLabel: 'From group engineering-leads@acme.test' });
  });

  it('shows status, heartbeat, calls, tokens and cost against the cap (REQ-WS-04, REQ-MAINT-01)', () => {
    const budget = { month: '2026-11', capUsd: 200, spentUsd: 171.5, reservedUsd: 0, percent: 85, state: 'near' } as const;
    const card = agentCard(userOf(7, { agent: agentOf(7, { budget }) }), admin);
    expect(row(card, 'Status')?.text).toContain('Running, healthy');
    expect(row(card, 'Last heartbeat')).toMatchObject({ text: '12 seconds ago', bottomLabel: 'Nov 22, 2026, 11:59 AM UTC' });
    expect(row(card, 'Model calls')).toMatchObject({ text: '120', bottomLabel: 'Tokens: 340,000 read, 12,000 written' });
    expect(row(card, 'Cost this month')?.text).toContain('$171.50 of $200 a month');
    expect(row(card, 'Cost this month')?.text).toMatch(/\u2588{17}<\/font><font color="#dadce0">\u2588{3}<\/font> 85%.*Close to the limit/);
  });

  it('offers only what can be done as the agent stands (REQ-WS-07, REQ-MAINT-02)', () => {
    const titles = (phase: 'running' | 'paused' | 'removed') =>
      agentCard(userOf(7, { agent: agentOf(7, { phase }) }), admin)
        .sections.find(({ header }) => header === 'Actions')
        ?.widgets.map((widget) => ('decoratedText' in widget ? widget.decoratedText.text.replace(/<\/?b>/g, '') : ''));
    expect(titles('running')).toEqual(['Restart', 'Pause', 'Rotate secrets', 'Back up', 'Upgrade OpenClaw', 'Reprovision']);
    expect(titles('paused')).toEqual(['Resume']);
    expect(titles('removed')).toBeUndefined();
  });

  it('says beside each action what it will do', () => {
    const actions = agentCard(userOf(7), admin).sections.find(({ header }) => header === 'Actions');
    for (const widget of actions?.widgets ?? []) {
      expect('decoratedText' in widget ? (widget.decoratedText.bottomLabel ?? '').length : 0).toBeGreaterThan(40);
    }
  });

  it('puts conditions and typing errors into plain words, each once', () => {
    const problem = 'modelTier: found "opuss"; allowed: haiku, sonnet or opus';
    const agent = agentOf(7, { conditions: [{ type: 'InvalidSpec', message: problem }] });
    const text = textOf(agentCard(userOf(7, { agent, problems: [problem, 'budgetCap: found -1; allowed: at least 0'] }), admin));
    expect(text.split(problem)).toHaveLength(2);
    expect(text).toContain('budgetCap: found -1');
    expect(text).toContain('cannot be used');
    expect(text).toContain('Running, needs attention');
  });

  it('shows a typo, a cap and a lock beside the value they are about, and no way to change what is locked (REQ-WS-02)', () => {
    const notes = [
      { field: 'modelTier' as const, kind: 'invalid' as const, message: 'modelTier: found "Opuss"; the last good value (sonnet) stays' },
      { field: 'budgetCap' as const, kind: 'clamped' as const, message: 'Budget is $200 a month: at most $200.' },
      { field: 'toolAllowlist' as const, kind: 'locked' as const, message: 'Tools are email: the organisation locks this.' },
    ];
    const card = agentCard(userOf(7, { notes }), admin);
    const found = ['Model', 'Budget', 'Tools', 'Channels'].map((label) => row(card, label));
    for (const [at, { message }] of notes.entries()) expect(found[at]?.bottomLabel).toContain(message);
    expect(found[3]?.bottomLabel).toMatch(/^From /);
    expect(found.map((one) => one?.button?.text)).toEqual(['Change', 'Change', 'Why', 'Change']);
  });

  it('follows a fresh machine and an upgrade step by step, and says how they failed (REQ-MAINT-03, REQ-MAINT-05)', () => {
    const started = { startedAt: '2026-11-22T11:58:00.000Z', failure: null };
    const going = agentOf(7, {
      reprovision: { step: 'replace', ...started },
      upgrade: { step: 'rolledBack', from: '1', to: '2', ...started, failure: 'no answer to the prompt' },
    });
    const text = textOf(agentCard(userOf(7, { agent: going }), viewer));
    expect(text).toContain('Making a fresh machine (step 2 of 3)');
    expect(text).toContain('Upgrade to 2 was rolled back');
    expect(text).toContain('no answer to the prompt');
    expect(
      textOf(agentCard(userOf(7, { agent: agentOf(7, { upgrade: { step: 'done', from: '1', to: '2', ...started } }) }), viewer)),
    ).not.toContain('Upgrade to 2');
  });

  it('says that suspended people have no agent', () => {
    expect(textOf(agentCard(userOf(7, { active: false, agent: null }), admin))).toContain('This person is suspended');
  });
});

describe('switching', () => {
  it('switches on at once (REQ-WS-01)', () => {
    const { host, sent, trips } = createHost(working());
    const answer = click(host, 'switchAgent', { user: '1007' }, { enabled: 'on' });
    expect(sent[0]).toMatchObject({ method: 'patch', payload: '{"agentEnabled":true}' });
    expect(trips).toEqual([2]);
    expect(answer).toMatchObject({
      stateChanged: true,
      action: { notification: { text: 'Person 7 gets an agent. It introduces itself by mail.' } },
    });
  });

  it('asks before switching off, and changes nothing by asking', () => {
    const { host, sent } = createHost(working());
    const answer = click(host, 'switchAgent', { user: '1007' });
    expect(sent.map(({ method }) => method)).toEqual(['get', 'get', 'get']);
    expect(answer.action.navigations?.[0]).toHaveProperty('updateCard.header.title', 'Switch this agent off?');
    expect(textOf(answer)).toContain('its machine, its secrets and its account are deleted');
  });

  it('switches off once that is confirmed', () => {
    const { host, sent } = createHost((request) => (request.method === 'patch' ? json(202, withoutAgent(7)) : working()(request)));
    const answer = click(host, 'switchOff', { user: '1007' });
    expect(sent[0]).toMatchObject({ method: 'patch', payload: '{"agentEnabled":false}' });
    expect(textOf(cardsIn(answer))).toContain('No agent');
  });

  it('asks before going back to a policy that says off, and not before one that says on', () => {
    const said = (policy: boolean) => [
      { origin: 'organization', value: policy },
      { origin: 'user', value: true },
    ];
    const ask = (policy: boolean) => {
      const { host, sent, trips } = createHost(working(2, { explainUser: () => explanationOf({ agentEnabled: { said: said(policy) } }) }));
      const answer = click(host, 'inheritField', { user: '1007', field: 'agentEnabled' });
      return {
        title: cardsIn(answer)[0]?.header?.title,
        sent: sent.filter(({ method }) => method === 'patch').length,
        trips: trips.length,
      };
    };
    expect(ask(false)).toEqual({ title: 'Follow policy instead?', sent: 0, trips: 2 });
    expect(ask(true)).toEqual({ title: 'Person 7', sent: 1, trips: 2 });
  });
});

describe('verbs', () => {
  it.each([
    ['restart', `/agents/${agentId}/restart`, undefined, {}],
    ['pause', `/agents/${agentId}/pause`, { reason: 'on holiday' }, { reason: ' on holiday ' }],
    ['pause', `/agents/${agentId}/pause`, {}, { reason: '' }],
    ['resume', `/agents/${agentId}/resume`, undefined, {}],
    ['rotate', '/rotate-secrets', { agentId }, {}],
    ['backUp', `/agents/${agentId}/backups`, undefined, {}],
    ['reprovision', `/agents/${agentId}/reprovision`, { acceptLoss: false }, {}],
    ['reprovision', `/agents/${agentId}/reprovision`, { acceptLoss: true }, { acceptLoss: 'yes' }],
    ['upgrade', `/agents/${agentId}/upgrade`, { version: '2026.11.2' }, { version: '2026.11.2' }],
    ['upgrade', `/agents/${agentId}/upgrade`, {}, { version: '' }],
  ])('%s asks the plane for just that (REQ-WS-07, REQ-MAINT-02, REQ-MAINT-03, REQ-MAINT-06)', (verb, path, body, form) => {
    const { host, sent, trips } = createHost(working());
    const answer = click(host, 'doVerb', { ...on, verb }, form);
    expect(sent[0]).toMatchObject({ method: 'post', url: `https://plane.acme.test/v1/planes/acme${path}` });
    expect(sent[0]?.payload === undefined ? undefined : JSON.parse(sent[0].payload)).toEqual(body);
    expect(trips).toEqual([1, 2]);
    expect(answer.stateChanged).toBe(true);
    expect(answer.action.notification?.text).toMatch(/^The agent of Person 7 /);
  });

  it.each(['pause', 'reprovision', 'upgrade'])('%s is asked about first, and asking changes nothing', (verb) => {
    const { host, sent } = createHost(working());
    const answer = click(host, 'askVerb', { user: '1007', verb });
    expect(sent.every(({ method }) => method === 'get')).toBe(true);
    expect(verbsIn(answer)).toEqual(['doVerb', 'showUser']);
  });

  it('is not offered once the agent stands otherwise', () => {
    const paused = userOf(7, { agent: agentOf(7, { phase: 'paused' }) });
    const { host } = createHost(working(2, { getUser: () => paused }));
    expect(verbsIn(click(host, 'askVerb', { user: '1007', verb: 'pause' }))).toEqual(['showUser']);
  });

  it.each([
    [403, 'forbidden', 'viewer@acme.test is an Agent Viewer', 'Agent Viewers can look but not change'],
    [409, 'conflict', 'agentEnabled is managed by planes.yaml; run planes apply', 'something else decides this'],
    [412, 'preconditionFailed', 'changed since you looked', 'something else decides this'],
    [429, 'busy', 'Directory quota is used up', 'Wait a minute'],
  ])('says what happened on a %i and shows how things really stand', (status, code, detail, words) => {
    const { host, trips } = createHost(refusing(problem(status, code, detail)));
    for (const answer of [
      click(host, 'switchAgent', { user: '1007' }, { enabled: 'on' }),
      click(host, 'doVerb', { ...on, verb: 'restart' }),
    ]) {
      const [card] = cardsIn(answer);
      expect(textOf(card)).toContain(detail);
      expect(textOf(card)).toContain(words);
      expect(textOf(card)).toContain('Agent enabled');
      expect(answer.action.notification?.text).not.toBe('');
      expect(answer).not.toHaveProperty('stateChanged');
    }
    expect(trips).toHaveLength(4);
  });

  it('says that it was done where only the card cannot be drawn again', () => {
    const { host } = createHost((request) => (request.method === 'get' ? problem(503, 'unavailable', 'one moment') : working()(request)));
    const answer = click(host, 'doVerb', { ...on, verb: 'restart' });
    expect(textOf(cardsIn(answer))).toContain('Done, but the card could not be refreshed');
    expect(answer.stateChanged).toBe(true);
  });
});

describe('editing', () => {
  it.each([
    ['modelTier', 'opus', { modelTier: 'opus' }],
    ['budgetCap', ' $ 120', { budgetCap: 120 }],
    ['tools', ['email', 'github'], { tools: ['email', 'github'] }],
    ['channels', [], { channels: [] }],
  ])('writes %s to the person\u2019s page (REQ-WS-02)', (field, value, body) => {
    const { host, sent } = createHost(working());
    const answer = click(host, 'saveField', { user: '1007', field, was: '["x"]' }, { value });
    expect(sent[0]).toMatchObject({ method: 'patch', payload: JSON.stringify(body) });
    expect(answer.stateChanged).toBe(true);
  });

  it.each([
    ['modelTier', 'gpt'],
    ['budgetCap', 'a lot'],
    ['budgetCap', '1.5'],
    ['budgetCap', '-3'],
    ['budgetCap', ''],
  ])('takes no %s of %j, and says so without asking the plane', (field, value) => {
    const { host, sent } = createHost(working());
    expect(click(host, 'saveField', { user: '1007', field, was: '["x"]' }, { value }).action.notification?.text).toMatch(
      /Choose|Type whole US dollars/,
    );
    expect(sent).toEqual([]);
  });

  it('goes back to what policy says (REQ-WS-03)', () => {
    const { host, sent } = createHost(working());
    click(host, 'inheritField', { user: '1007', field: 'budgetCap' });
    expect(sent[0]).toMatchObject({ method: 'patch', payload: '{"budgetCap":null}' });
  });

  it('offers what limits leave, says what they take, and what policy says without the person\u2019s own value', () => {
    const explanation = explanationOf({
      tools: {
        limits: [{ origin: 'organization', limit: ['email', 'calendar', 'github'] }],
        said: [
          { origin: 'ou:/Sales', value: ['email'] },
          { origin: 'user', value: ['github'] },
        ],
      },
      budgetCap: {
        limits: [
          { origin: 'organization', limit: 500 },
          { origin: 'ou:/Sales', limit: 300 },
        ],
      },
    });
    const card = editFieldCard(userOf(7), 'tools', explanation, admin);
    const items = card.sections[0]?.widgets.flatMap((widget) => ('selectionInput' in widget ? widget.selectionInput.items : []));
    expect(items?.map(({ value, selected }) => [value, selected])).toEqual([
      ['calendar', true],
      ['email', true],
      ['github', false],
    ]);
    expect(textOf(card)).toContain('CRM, Run commands, SSH');
    expect(textOf(card)).toContain('From organizational unit /Sales');
    expect(verbsIn(card)).toContain('inheritField');
    expect(textOf(editFieldCard(userOf(7), 'budgetCap', explanation, admin))).toContain('At most $300, says organizational unit /Sales.');
  });
});

describe('what there is to look up', () => {
  it('lists backups and restores one after asking (REQ-MAINT-06)', () => {
    const { host, sent } = createHost(working());
    expect(textOf(cardsIn(click(host, 'openBackups', { agentId })))).toContain('4.2 MB, kept until Dec 12, 2026');
    expect(textOf(cardsIn(click(host, 'askRestore', { agentId, backup: 'backup-1' })))).toContain('What it learned since is replaced');
    expect(sent.every(({ method }) => method === 'get')).toBe(true);
    const answer = click(host, 'restore', { agentId, backup: 'backup-1' });
    expect(sent.find(({ method }) => method === 'post')?.url).toContain(`/agents/${agentId}/backups/backup-1/restore`);
    expect(answer.stateChanged).toBe(true);
    expect(textOf(cardsIn(click(host, 'askRestore', { agentId, backup: 'gone' })))).toContain('no longer exists');
  });

  it('shows names and ages of secrets (REQ-SEC-02)', () => {
    const { host } = createHost(working());
    const text = textOf(cardsIn(click(host, 'openSecrets', { agentId })));
    expect(text).toContain('gateway-token-0');
    expect(text).toContain('Created 52 days ago; in use; rotates automatically on Dec 30, 2026');
  });
});
