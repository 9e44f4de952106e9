import fc from 'fast-check';
import { decidingToggle, layersFor, resolvePolicy, type ServiceToggle, type Standing } from '../../shared/policy.ts';
import type { UserRequests } from '../../shared/directory-schema.ts';
import { planeWith } from './chains.ts';

const plane = planeWith([]);
const on = (scope: ServiceToggle['scope']): ServiceToggle => ({ scope, enabled: true });
const off = (scope: ServiceToggle['scope']): ServiceToggle => ({ scope, enabled: false });
const enabled = (standing: Standing, user: UserRequests = {}) => resolvePolicy(layersFor(plane, standing, user)).agentEnabled;
const sales = (...services: ServiceToggle[]): Standing => ({ ouPath: '/Sales/Retail', groups: ['crew@acme.test'], services });

const scopes: readonly ServiceToggle['scope'][] = [
  'organization',
  'ou:/',
  'ou:/Sales',
  'ou:/Sales/Retail',
  'ou:/SalesX',
  'group:crew@acme.test',
  'group:leads@acme.test',
];
const anyStanding = fc.record({
  ouPath: fc.constantFrom('/', '/Sales', '/Sales/Retail', '/SalesX', '/Other'),
  groups: fc.subarray(['crew@acme.test', 'leads@acme.test']),
  services: fc
    .subarray([...scopes])
    .chain((some) => fc.tuple(...some.map((scope) => fc.boolean().map((yes): ServiceToggle => ({ scope, enabled: yes })))))
    .chain((list) => fc.shuffledSubarray(list, { minLength: list.length })),
});

describe('a service switched on or off for a part of the company (REQ-WS-01, REQ-ID-03)', () => {
  it('gives its users an agent, and says which switch did', () => {
    expect(enabled(sales(on('ou:/Sales')))).toEqual({ value: true, origin: 'service:ou:/Sales' });
    expect(enabled(sales(on('organization')))).toEqual({ value: true, origin: 'service:organization' });
    expect(enabled(sales())).toEqual({ value: false, origin: 'default' });
  });

  it('lets the nearest org unit decide, and the whole organisation last', () => {
    expect(enabled(sales(on('ou:/Sales'), off('ou:/Sales/Retail'))).value).toBe(false);
    expect(enabled(sales(off('ou:/Sales'), on('ou:/Sales/Retail'))).origin).toBe('service:ou:/Sales/Retail');
    expect(enabled(sales(off('organization'), on('ou:/'))).origin).toBe('service:ou:/');
    expect(enabled(sales(on('ou:/SalesX'))).value).toBe(false);
  });

  it('lets a group that is on beat org units and groups that are off, and a group that is off beat org units', () => {
    const both = { ...sales(off('group:crew@acme.test'), on('group:leads@acme.test'), off('ou:/Sales')) };
    expect(enabled({ ...both, groups: ['crew@acme.test', 'leads@acme.test'] })).toEqual({
      value: true,
      origin: 'service:group:leads@acme.test',
    });
    expect(enabled(sales(off('group:crew@acme.test'), on('ou:/Sales'))).value).toBe(false);
    expect(enabled(sales(off('group:leads@acme.test'), on('ou:/Sales'))).value).toBe(true);
  });

  it('vetoes an explicit wish on the user page when off, and lets the user page say no when on', () => {
    expect(enabled(sales(off('ou:/Sales')), { agentEnabled: true })).toEqual({
      value: false,
      origin: 'user',
      clamped: { from: true, by: 'service:ou:/Sales' },
    });
    expect(enabled(sales(on('ou:/Sales')), { agentEnabled: false })).toEqual({ value: false, origin: 'user' });
  });

  it('decides alike in whatever order the switches are known, as a plain walk up the tree would', () => {
    fc.assert(
      fc.property(anyStanding, (standing) => {
        const stateOf = (scope: string) => standing.services.find((toggle) => toggle.scope === scope)?.enabled;
        const groups = standing.groups.map((group) => stateOf(`group:${group}`));
        const units = ['/Sales/Retail', '/Sales', '/SalesX', '/Other'].filter((ou) => `${standing.ouPath}/`.startsWith(`${ou}/`));
        const chain = [...units.map((ou) => stateOf(`ou:${ou}`)), stateOf('ou:/'), stateOf('organization')];
        const ofGroups = groups.includes(true) ? true : groups.includes(false) ? false : undefined;
        const expected = ofGroups ?? chain.find((state) => state !== undefined);
        expect(decidingToggle(standing)?.enabled).toBe(expected);
        for (const agentEnabled of [true, false, undefined]) {
          const user = agentEnabled === undefined ? {} : { agentEnabled };
          expect(enabled(standing, user).value).toBe(expected === false ? false : (agentEnabled ?? expected ?? false));
        }
        const vetoed = resolvePolicy(layersFor(plane, standing, { agentEnabled: true }, { agentEnabled: true })).agentEnabled;
        expect(vetoed.value).toBe(expected !== false);
      }),
      { numRuns: 500 },
    );
  });
});

describe('an approved capability request', () => {
  const limited = planeWith([{ match: { organization: true }, spec: { tools: ['email'], limits: { tools: ['email', 'crm', 'exec'] } } }]);
  const toolsOf = (user: UserRequests, grants?: Parameters<typeof layersFor>[4]) =>
    resolvePolicy(layersFor(limited, { ouPath: '/', groups: [] }, user, undefined, grants)).tools;

  it('adds to the list that won, also to one that the user page states', () => {
    expect(toolsOf({}, [{ by: 'admin@acme.test', tools: ['crm'] }])).toEqual({
      value: ['crm', 'email'],
      origin: 'organization',
      added: [{ origin: 'grant:admin@acme.test', items: ['crm'] }],
    });
    expect(toolsOf({ tools: ['exec'] }, [{ by: 'admin@acme.test', tools: ['crm'] }])).toMatchObject({
      value: ['crm', 'exec'],
      origin: 'user',
    });
  });

  it('goes no further than the limits', () => {
    expect(toolsOf({}, [{ by: 'admin@acme.test', tools: ['ssh'] }])).toEqual({
      value: ['email'],
      origin: 'organization',
      added: [{ origin: 'grant:admin@acme.test', items: ['ssh'] }],
      clamped: { from: ['email', 'ssh'], by: 'organization' },
    });
  });

  it('leaves everything as it is where it adds nothing', () => {
    expect(toolsOf({}, [{ by: 'admin@acme.test', tools: ['email'], channels: [] }])).toEqual(toolsOf({}));
  });
});
