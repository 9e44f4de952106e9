import type { Plane } from '../../shared/plane.ts';
import type { AgentDraft } from '../core/agents.ts';

/** The record of an agent of which nothing is known but its id, so that a pass can remove what is left of it. */
export function tombstoneOf(plane: Plane, agentId: string): AgentDraft {
  const { defaults, region } = plane.spec.infrastructure;
  const nobody = { value: false, origin: 'sweep' } as const;
  return {
    ...{
      agentId,
      planeId: plane.metadata.name,
      ownerId: '',
      ownerEmail: '',
      ownerName: '',
      ouPath: '/',
      name: agentId,
      desired: 'removed',
    },
    reason: 'found without a record',
    spec: {
      machineType: defaults.machineType,
      diskSizeGb: defaults.diskSizeGb,
      region,
      modelTier: 'sonnet',
      budgetCap: 0,
      tools: [],
      channels: [],
    },
    policy: {
      agentEnabled: nobody,
      modelTier: { value: 'sonnet', origin: 'sweep' },
      budgetCap: { value: 0, origin: 'sweep' },
      tools: { value: [], origin: 'sweep' },
      channels: { value: [], origin: 'sweep' },
      machineType: { value: defaults.machineType, origin: 'sweep' },
    },
    ...{ requests: {}, conditions: [], restarts: 0, replacements: 0, secretsVersion: 1, secretsRotatedAt: 0 },
  };
}
