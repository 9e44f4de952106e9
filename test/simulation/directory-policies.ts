import { planeSchema, type Plane } from '../../shared/plane.ts';
import { egress, planeId } from './wiring.ts';

const toPlane = (policies: Plane['spec']['policies'], selector?: Plane['spec']['identity']['selector']): Plane =>
  planeSchema.parse({
    apiVersion: 'openclaw.dev/v1alpha1',
    kind: 'AgentsPlane',
    metadata: { name: planeId },
    spec: {
      identity: { provider: 'test', domain: 'acme.test', ...(selector ? { selector } : {}) },
      infrastructure: { provider: 'test', region: 'r1', defaults: { machineType: 'e2-medium', diskSizeGb: 20 } },
      secrets: { provider: 'test' },
      networking: { provider: 'test', egressPolicy: { default: egress.default, allowedDomains: [...egress.allowedDomains] } },
      agents: [{ name: 'Listed', owner: 'u1@acme.test' }],
      policies,
    },
  });

const inOu = (ou: string, agentEnabled: boolean) => ({ match: { ou }, spec: { agentEnabled } });
const inGroup = (group: string, agentEnabled: boolean) => ({ match: { group }, spec: { agentEnabled, modelTier: 'opus' as const } });

/** A plane of which only the name matters. */
export const plainPlane = toPlane([]);

/** What the plane's file may say; a change of it is a new start of the plane. */
export const planes: readonly Plane[] = [
  toPlane([inOu('/Sales', true), inGroup('leads@acme.test', true)]),
  toPlane([{ match: { organization: true }, spec: { agentEnabled: true } }, inGroup('contractors@acme.test', false)]),
  toPlane([inOu('/', true), inOu('/Sales/West', false)], { ous: ['/Sales', '/Engineering'], groups: ['leads@acme.test'] }),
  toPlane([]),
];
