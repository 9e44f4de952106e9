import fc from 'fast-check';
import { channels, modelTiers, tools, toAgentId, toHealth } from '../../shared/agent.ts';
import { readRequests } from '../../shared/directory-schema.ts';
import { parsePlane, type Plane } from '../../shared/plane.ts';
import { layersFor, resolvePolicy, type Layer } from '../../shared/policy.ts';
import { claims } from '../../functions/directory/standing.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { modelsOf } from '../../functions/model/models.ts';
import { applyChange } from '../../functions/plan/apply-change.ts';

const plane = (policies: unknown[]): Plane => {
  const parsed = parsePlane({
    apiVersion: 'openclaw.dev/v1alpha1',
    kind: 'AgentsPlane',
    metadata: { name: 'acme' },
    spec: {
      identity: { provider: 'google-workspace', domain: 'acme.test' },
      infrastructure: { provider: 'local' },
      secrets: { provider: 'local' },
      networking: { provider: 'direct' },
      policies,
    },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.value;
};

const company = plane([
  { match: { ou: '/Engineering/Platform' }, spec: { budgetCap: 150 } },
  { match: { ou: '/Engineering' }, spec: { modelTier: 'opus', budgetCap: 200, tools: ['exec', 'github', 'email'] } },
  { match: { organization: true }, spec: { limits: { budgetCap: 500, tools: ['email', 'github'] } } },
  { match: { group: 'leads@acme.test' }, spec: { budgetCap: 900 } },
]);

const selecting = (ou: string): Plane['spec']['identity'] => ({ ...company.spec.identity, selector: { ous: [ou] } });
const resolve = (ouPath: string, groups: string[] = [], user = {}) => resolvePolicy(layersFor(company, { ouPath, groups }, user));

describe('policy (REQ-WS-03)', () => {
  it('starts from the organisation-wide defaults of the requirements', () => {
    const policy = resolvePolicy(layersFor(plane([]), { ouPath: '/', groups: [] }, {}));
    expect(policy).toMatchObject({
      agentEnabled: { value: false },
      modelTier: { value: 'sonnet', origin: 'default' },
      budgetCap: { value: 50 },
      tools: { value: ['calendar', 'email'] },
      channels: { value: ['email'] },
    });
  });

  it('lets the deeper org unit win, whatever order the file has', () => {
    expect(resolve('/Engineering/Platform').budgetCap).toEqual({ value: 150, origin: 'ou:/Engineering/Platform' });
    expect(resolve('/Engineering').budgetCap).toEqual({ value: 200, origin: 'ou:/Engineering' });
  });

  it('does not take /EngineeringX for a child of /Engineering', () => {
    expect(resolve('/EngineeringX').modelTier.value).toBe('sonnet');
  });

  it('takes the paths of org units for alike whatever their case, as the Directory does', () => {
    expect(resolve('/ENGINEERING/platform/Web').budgetCap).toEqual({ value: 150, origin: 'ou:/Engineering/Platform' });
    const standing = { ouPath: '/sales/West', groups: [], services: [{ scope: 'ou:/Sales', enabled: true }] as const };
    expect(resolvePolicy(layersFor(plane([]), standing, {})).agentEnabled).toEqual({ value: true, origin: 'service:ou:/Sales' });
    expect(claims({ ...company, spec: { ...company.spec, identity: selecting('/sales') } }, { ouPath: '/Sales/West', groups: [] })).toBe(
      true,
    );
    expect(claims({ ...company, spec: { ...company.spec, identity: selecting('/sales') } }, { ouPath: '/SalesX', groups: [] })).toBe(false);
    const models = [{ match: { ou: '/engineering' }, tiers: { opus: 'large' } }];
    expect(modelsOf(models, '/Engineering/Web')).toEqual({ opus: 'large' });
    const change = { kind: 'policy', match: { ou: '/ENGINEERING' }, spec: { budgetCap: 10 } } as const;
    expect(applyChange(company, change).spec.policies).toHaveLength(4);
  });

  it('lets a group override org units and clamps to the organisation limit, naming who clamped', () => {
    expect(resolve('/Engineering', ['leads@acme.test']).budgetCap).toEqual({
      value: 500,
      origin: 'group:leads@acme.test',
      clamped: { from: 900, by: 'organization' },
    });
  });

  it('takes tools away that a limit does not permit', () => {
    expect(resolve('/Engineering').tools).toEqual({
      value: ['email', 'github'],
      origin: 'ou:/Engineering',
      clamped: { from: ['email', 'exec', 'github'], by: 'organization' },
    });
  });

  it('lets an explicit user value win and blank inherit', () => {
    expect(resolve('/Engineering', [], { modelTier: 'haiku' }).modelTier).toEqual({ value: 'haiku', origin: 'user' });
    expect(resolve('/Engineering', [], {}).modelTier).toEqual({ value: 'opus', origin: 'ou:/Engineering' });
  });

  it('never gives more than any limit allows, and names a layer that exists', () => {
    const values = fc.record({
      agentEnabled: fc.option(fc.boolean(), { nil: undefined }),
      modelTier: fc.option(fc.constantFrom(...modelTiers), { nil: undefined }),
      budgetCap: fc.option(fc.integer({ min: 0, max: 1000 }), { nil: undefined }),
      tools: fc.option(fc.uniqueArray(fc.constantFrom(...tools)), { nil: undefined }),
      channels: fc.option(fc.uniqueArray(fc.constantFrom(...channels)), { nil: undefined }),
    });
    const limits = fc.option(
      fc.record({
        budgetCap: fc.option(fc.integer({ min: 0, max: 1000 }), { nil: undefined }),
        tools: fc.option(fc.uniqueArray(fc.constantFrom(...tools)), { nil: undefined }),
        modelTiers: fc.option(fc.uniqueArray(fc.constantFrom(...modelTiers)), { nil: undefined }),
      }),
      { nil: undefined },
    );
    const layers = fc.array(fc.record({ values, limits }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(layers, (parts) => {
        const chain: Layer[] = parts.map((part, at) => ({ ...part, origin: `layer-${at}` }));
        const policy = resolvePolicy(chain);
        for (const { limits: limit } of chain) {
          expect(policy.budgetCap.value).toBeLessThanOrEqual(limit?.budgetCap ?? Infinity);
          if (limit?.tools) expect(limit.tools).toEqual(expect.arrayContaining([...policy.tools.value]));
        }
        const permitted = modelTiers.filter((tier) => chain.every(({ limits: limit }) => limit?.modelTiers?.includes(tier) ?? true));
        expect(permitted.length === 0 ? 'haiku' : permitted).toEqual(
          permitted.length === 0 ? policy.modelTier.value : expect.arrayContaining([policy.modelTier.value]),
        );
        const last = chain.findLast((layer) => layer.values.budgetCap !== undefined);
        expect(policy.budgetCap.origin).toBe(last?.origin ?? 'default');
      }),
    );
  });
});

describe('directory requests', () => {
  it('reads the Directory\u2019s own encodings and takes blank for inherit', () => {
    const read = readRequests({
      agentEnabled: true,
      modelTier: 'Opus',
      budgetCap: '120',
      toolAllowlist: 'exec, github',
      channelRestrictions: ' ',
    });
    expect(read).toEqual({
      requests: { agentEnabled: true, modelTier: 'opus', budgetCap: 120, tools: ['exec', 'github'] },
      problems: [],
      unreadable: [],
    });
  });

  it('names a typo and leaves the field to the last good value', () => {
    const read = readRequests({ agentEnabled: true, modelTier: 'Opuss', toolAllowlist: 'exec,teleport' });
    expect(read.requests).toEqual({ agentEnabled: true });
    expect(read.unreadable).toEqual(['modelTier', 'tools']);
    expect(read.problems).toEqual([
      { path: 'modelTier', found: '"Opuss"', allowed: 'haiku, sonnet or opus' },
      { path: 'toolAllowlist[1]', found: '"teleport"', allowed: 'calendar, crm, email, exec, github or ssh' },
    ]);
  });

  it('refuses what a single Directory string cannot hold', () => {
    expect(readRequests({ toolAllowlist: 'x'.repeat(501) }).problems).toEqual([
      { path: 'toolAllowlist', found: '501 characters', allowed: 'at most 500' },
    ]);
  });
});

describe('agent ids and health', () => {
  it('makes ids that fit every cloud and differ for people of like names (REQ-ID-02)', () => {
    const id = toAgentId('acme', '100000000000000000001', nodeHashing.sha256);
    expect(id).toMatch(/^a[a-z2-7]{15}$/);
    expect(toAgentId('acme', '100000000000000000001', nodeHashing.sha256)).toBe(id);
    expect(toAgentId('acme', '100000000000000000002', nodeHashing.sha256)).not.toBe(id);
    expect(toAgentId('acme2', '100000000000000000001', nodeHashing.sha256)).not.toBe(id);
  });

  it.each([
    [undefined, 'unknown'],
    [0, 'green'],
    [60_000, 'green'],
    [60_001, 'yellow'],
    [300_000, 'yellow'],
    [300_001, 'red'],
  ] as const)('shows a heartbeat %s ms old as %s (REQ-MAINT-01)', (age, health) => {
    expect(toHealth(age)).toBe(health);
  });
});
