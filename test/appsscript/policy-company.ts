import type { Answer, ApprovalView, CapabilityRequestView, PlaneDefinitionView } from '../../shared/contract.ts';
import { planeSchema } from '../../shared/plane.ts';
import { inherit, layerFields, limitModeOf } from '../../appsscript/layer-form.ts';
import { agentOf } from './company.ts';

type Policies = PlaneDefinitionView['definition']['spec']['policies'];

/** REQUIREMENTS §2.2.2, with a second group before the leads. */
export const samplePolicies: Policies = [
  {
    match: { organization: true },
    spec: { modelTier: 'sonnet', budgetCap: 50, tools: ['calendar', 'email'], channels: ['email'], limits: { budgetCap: 500 } },
  },
  {
    match: { ou: '/Engineering' },
    spec: {
      modelTier: 'opus',
      budgetCap: 200,
      tools: ['calendar', 'email', 'exec', 'github', 'ssh'],
      channels: ['email', 'slack', 'whatsapp'],
    },
  },
  { match: { ou: '/Sales' }, spec: { tools: ['calendar', 'crm', 'email'], channels: ['email', 'slack'] } },
  { match: { group: 'interns@acme.test' }, spec: { modelTier: 'haiku', limits: { modelTiers: ['haiku'] } } },
  { match: { group: 'engineering-leads@acme.test' }, spec: { budgetCap: 500 } },
];

export const definitionOf = (changes: Partial<PlaneDefinitionView> = {}, policies: Policies = samplePolicies): PlaneDefinitionView => ({
  planeId: 'acme',
  revision: 3,
  managedBy: 'api',
  updatedAt: '2026-11-20T09:00:00.000Z',
  updatedBy: 'admin@acme.test',
  definition: planeSchema.parse({
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
  }),
  ...changes,
});

export const manyLayers = (count: number): Policies => [
  ...samplePolicies.slice(0, 1),
  ...Array.from({ length: count }, (_, at) => ({ match: { ou: `/Unit ${String(at).padStart(4, '0')}` }, spec: { budgetCap: at } })),
  ...Array.from({ length: count }, (_, at) => ({ match: { group: `group${at}@acme.test` }, spec: { budgetCap: at } })),
];

export const requestOf = (at: number, changes: Partial<CapabilityRequestView> = {}): CapabilityRequestView => ({
  id: `request-${at}`,
  planeId: 'acme',
  agentId: agentOf(at).agentId,
  ownerEmail: `person${at}@acme.test`,
  tools: ['github'],
  channels: ['slack'],
  why: 'You asked me to open pull requests.',
  state: 'waiting',
  askedAt: '2026-11-22T11:50:00.000Z',
  decidedAt: null,
  decidedBy: null,
  reason: null,
  ...changes,
});

export const flipsOf = (removes: number, changes: Partial<ApprovalView> = {}): ApprovalView => ({
  id: 'flips-1',
  planeId: 'acme',
  state: 'waiting',
  creates: 2,
  removes,
  askedAt: '2026-11-22T11:40:00.000Z',
  decidedAt: null,
  decidedBy: null,
  reason: null,
  agents: Array.from({ length: Math.min(removes, 100) }, (_, at) => ({
    agentId: agentOf(at).agentId,
    ownerEmail: `person${at}@acme.test`,
    to: 'removed',
  })),
  ...changes,
});

export const verificationOf = (...faults: Answer<'verifyAudit'>['faults']): Answer<'verifyAudit'> => ({
  ...{ chains: 41, rows: 1234, checkpoints: 60, faults },
});

export const modelsOf = (): Answer<'listModels'> => ({
  models: [
    { tier: 'haiku', origin: 'default', model: 'claude-haiku', inputUsdPerMillion: 1, outputUsdPerMillion: 5, pricedOn: '2026-11-22' },
    { tier: 'sonnet', origin: 'organization', model: 'claude-sonnet', inputUsdPerMillion: 3, outputUsdPerMillion: 15, pricedOn: null },
    { tier: 'opus', origin: 'ou:/Engineering', model: 'own-model', inputUsdPerMillion: null, outputUsdPerMillion: null, pricedOn: null },
  ],
});

/** The form of a layer as its card shows it and nobody touched it. */
export function formOf(spec: Policies[number]['spec'] = {}, changes: Readonly<Record<string, string | readonly string[]>> = {}) {
  const { agentEnabled, modelTier, budgetCap, tools, channels, limits } = spec;
  const own = <T>(field: 'modelTier' | 'budgetCap' | 'tools' | 'channels', value: T): T | undefined =>
    limitModeOf(spec, field) === 'own' ? value : undefined;
  return {
    [layerFields.agents]: agentEnabled === undefined ? inherit : agentEnabled ? 'on' : 'off',
    [layerFields.tier]: modelTier ?? inherit,
    [layerFields.tierLimit]: limitModeOf(spec, 'modelTier'),
    [layerFields.tiersAllowed]: own('modelTier', limits?.modelTiers) ?? [],
    [layerFields.budget]: String(budgetCap ?? ''),
    [layerFields.budgetLimit]: limitModeOf(spec, 'budgetCap'),
    [layerFields.budgetMost]: String(own('budgetCap', limits?.budgetCap) ?? ''),
    [layerFields.tools]: tools ?? [inherit],
    [layerFields.toolsLimit]: limitModeOf(spec, 'tools'),
    [layerFields.toolsAllowed]: own('tools', limits?.tools) ?? [],
    [layerFields.channels]: channels ?? [inherit],
    [layerFields.channelsLimit]: limitModeOf(spec, 'channels'),
    [layerFields.channelsAllowed]: own('channels', limits?.channels) ?? [],
    ...changes,
  };
}
