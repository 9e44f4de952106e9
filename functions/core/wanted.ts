import type { AgentRecord, PartName } from './records.ts';
import type { EgressPolicy, Fields } from './providers.ts';

/** What decides on the parts of an agent. */
export type Shaping = Pick<AgentRecord, 'ownerEmail' | 'spec' | 'paused'>;

/** What the observed fields of each part of an agent that runs should say. Pure: plans are made by it as well as passes. */
export function wantedOf({ ownerEmail, spec, paused }: Shaping, egress: EgressPolicy) {
  const { machineType, diskSizeGb, region } = spec;
  return {
    principal: {},
    secrets: { complete: true, granted: true },
    access: { access: ownerEmail },
    egress: { default: egress.default, allowedDomains: [...egress.allowedDomains] },
    machine: paused ? { on: false } : { machineType, diskSizeGb, region, on: true },
    runtime: {},
    introduction: { sent: true },
    channels: { asked: true },
  } as const satisfies Readonly<Record<PartName, Fields>>;
}
