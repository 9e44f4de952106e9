import fc from 'fast-check';
import { readRequests } from '../../shared/directory-schema.ts';
import { explain, nameOrigin, toSentences } from '../../shared/explain.ts';
import { toFieldNotes } from '../../shared/field-notes.ts';
import { layersFor, policyFields, type PolicyField, type Standing } from '../../shared/policy.ts';
import { anyChain, planeWith } from './chains.ts';

const company = planeWith([
  { match: { organization: true }, spec: { limits: { budgetCap: 200, channels: ['email', 'slack'] } } },
  { match: { ou: '/Engineering' }, spec: { modelTier: 'sonnet' } },
  { match: { group: 'engineering@acme.test' }, spec: { modelTier: 'opus' } },
  { match: { ou: '/Locked' }, spec: { modelTier: 'haiku', budgetCap: 20, limits: { modelTiers: ['haiku'], budgetCap: 20 } } },
]);
const engineer: Standing = { ouPath: '/Engineering', groups: ['engineering@acme.test'] };

const layersOf = (fields: Record<string, unknown>, standing = engineer, grants?: Parameters<typeof layersFor>[4]) =>
  layersFor(company, standing, readRequests(fields).requests, undefined, grants);
const sentence = (field: PolicyField, ...given: Parameters<typeof layersOf>) =>
  toSentences(explain(layersOf(...given)))[policyFields.indexOf(field)];
const notes = (fields: Record<string, unknown>, standing = engineer) =>
  toFieldNotes(readRequests(fields), explain(layersOf(fields, standing)));

describe('explaining a policy to people', () => {
  it('says who won and who lost', () => {
    expect(sentence('modelTier', {})).toBe(
      'Model is Opus: group engineering@acme.test says so (organizational unit /Engineering said Sonnet).',
    );
    expect(sentence('agentEnabled', { agentEnabled: true })).toBe('Agent is on: this person’s page says so.');
    expect(sentence('budgetCap', {})).toBe('Budget is $50 a month: that is the default.');
  });

  it('says who asked for more and who took it away', () => {
    expect(sentence('budgetCap', { budgetCap: '500' })).toBe(
      'Budget is $200 a month: this person’s page asks for $500, the organization allows at most $200.',
    );
    expect(sentence('channels', { channelRestrictions: 'whatsapp,slack' })).toBe(
      'Channels are Slack: this person’s page asks for Slack and WhatsApp, the organization allows only Email and Slack.',
    );
    expect(sentence('channels', { channelRestrictions: 'whatsapp' })).toBe(
      'Channels are none: this person’s page asks for WhatsApp, the organization allows only Email and Slack.',
    );
  });

  it('names the switch that vetoes', () => {
    const vetoed: Standing = { ...engineer, services: [{ scope: 'ou:/Engineering', enabled: false }] };
    expect(sentence('agentEnabled', { agentEnabled: true }, vetoed)).toBe(
      'Agent is off: this person’s page asks for on, the service switch of organizational unit /Engineering is off.',
    );
    expect(sentence('agentEnabled', {}, vetoed)).toBe(
      'Agent is off: that is the default, the service switch of organizational unit /Engineering is off.',
    );
  });

  it('names what an approved request added, and to whose list', () => {
    expect(sentence('tools', { toolAllowlist: 'email' }, engineer, [{ by: 'admin@acme.test', tools: ['crm'] }])).toBe(
      'Tools are CRM and Email: this person’s page asks for Email, a request that admin@acme.test approved adds CRM.',
    );
  });

  it('names who locks a field, whether or not the user page asks for more', () => {
    const locked: Standing = { ouPath: '/Locked', groups: [] };
    expect(sentence('modelTier', {}, locked)).toBe('Model is Haiku: organizational unit /Locked says so and locks it.');
    expect(sentence('budgetCap', { budgetCap: '60' }, locked)).toBe(
      'Budget is $20 a month: this person’s page asks for $60, organizational unit /Locked locks it (organizational unit /Locked said $20).',
    );
    expect(sentence('budgetCap', { budgetCap: '10' }, locked)).toBe(
      'Budget is $10 a month: this person’s page says so (organizational unit /Locked said $20).',
    );
  });

  it('has one sentence a field for every chain, which names its value\u2019s origin and whoever clamped it', () => {
    fc.assert(
      fc.property(anyChain, (chain) => {
        const explanation = explain(chain);
        const sentences = toSentences(explanation);
        expect(sentences).toHaveLength(policyFields.length);
        explanation.forEach(({ origin, clamped }, at) => {
          expect(sentences[at]).toMatch(/^[A-Z][^:]* (is|are) [^:]+: .+\.$/);
          expect(sentences[at]).toContain(nameOrigin(origin));
          if (clamped) expect(sentences[at]).toContain(nameOrigin(clamped.by));
        });
      }),
    );
  });
});

describe('the notes beside the fields of a user page (REQ-WS-02)', () => {
  it('names a typo, what is allowed and the value that stays', () => {
    expect(notes({ modelTier: 'Opuss' }, { ouPath: '/Engineering', groups: [] })).toEqual([
      {
        field: 'modelTier',
        kind: 'invalid',
        message: 'modelTier: found "Opuss"; allowed: haiku, sonnet or opus; the last good value (Sonnet) stays',
      },
    ]);
    expect(notes({ toolAllowlist: 'exec,teleport,fly' })).toEqual(
      ['toolAllowlist[1]: found "teleport"', 'toolAllowlist[2]: found "fly"'].map((found) => ({
        field: 'toolAllowlist',
        kind: 'invalid',
        message: `${found}; allowed: calendar, crm, email, exec, github or ssh; the last good value (Calendar and Email) stays`,
      })),
    );
  });

  it('names the limit that a budget went over', () => {
    expect(notes({ budgetCap: '500' })).toEqual([
      {
        field: 'budgetCap',
        kind: 'clamped',
        message: 'Budget is $200 a month: this person’s page asks for $500, the organization allows at most $200.',
      },
    ]);
  });

  it('names who locked a field, before anybody asks in vain', () => {
    expect(notes({}, { ouPath: '/Locked', groups: [] })).toEqual([
      { field: 'modelTier', kind: 'locked', message: 'Model is Haiku: organizational unit /Locked says so and locks it.' },
      { field: 'budgetCap', kind: 'locked', message: 'Budget is $20 a month: organizational unit /Locked says so and locks it.' },
    ]);
  });

  it('has nothing to say about a user page that asks for what may be had, nor about what a group asks too much', () => {
    expect(notes({ agentEnabled: true, budgetCap: '200', modelTier: 'haiku' })).toEqual([]);
    const greedy = planeWith([
      { match: { organization: true }, spec: { limits: { budgetCap: 100 } } },
      { match: { group: 'leads@acme.test' }, spec: { budgetCap: 900 } },
    ]);
    const explanation = explain(layersFor(greedy, { ouPath: '/', groups: ['leads@acme.test'] }, {}));
    expect(toFieldNotes({ problems: [] }, explanation)).toEqual([]);
  });
});
