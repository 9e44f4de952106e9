import { canonical } from '../../functions/core/surroundings.ts';
import { modelKeyName } from '../../shared/sidecar-names.ts';
import { reasonAgainst } from './directory.ts';
import { egress, planeId } from './wiring.ts';
import type { World } from './world.ts';

/** What one user should have in the end. */
export interface Wanted {
  readonly agentId: string;
  readonly email: string;
  readonly runs: boolean;
  readonly machineType: string;
  readonly region: string;
}

/** What still differs between one user's wish and the world, or nothing. */
export function differs({ documents, cloud, mailbox }: Pick<World, 'documents' | 'cloud' | 'mailbox'>, wanted: Wanted): string | undefined {
  const { agentId, runs } = wanted;
  const agent = documents.peek('agents', agentId);
  const status = documents.peek('statuses', agentId);
  if (!agent) return runs ? 'no record' : undefined;
  if (agent.desired !== (runs ? 'running' : 'removed')) return `desired ${agent.desired} (${agent.reason})`;
  if (status?.incarnation !== agent.incarnation) return `status of incarnation ${status?.incarnation}, agent of ${agent.incarnation}`;
  if (!runs) return removed(status.phase, agent.incarnation);
  const paused = agent.paused !== undefined;
  if (status.phase !== (paused ? 'paused' : 'running')) return `phase ${status.phase}`;
  if (status.revision !== agent.revision) return `acted on revision ${status.revision} of ${agent.revision}`;
  if (!paused && status.restarts !== agent.restarts) return `restarted ${status.restarts} of ${agent.restarts} times`;
  if (!paused && status.replacements !== agent.replacements) return `replaced ${status.replacements} of ${agent.replacements} times`;
  if (status.conditions.length > 0) return `condition ${canonical(status.conditions.map(({ message }) => message))}`;

  const [principal, namespace, network] = [
    cloud.shelves.principals.get(agentId),
    cloud.shelves.namespaces.get(agentId),
    cloud.shelves.networks.get(agentId),
  ];
  const machines = cloud.machinesOf(agentId);
  const machine = machines[0]?.[1];
  if ([principal, namespace, network, ...(paused ? [] : [machine])].some((thing) => thing?.planeId !== planeId))
    return `parts ${cloud.partsOf(agentId).join(', ')}`;
  if (machines.length > 1 || (machine?.state === 'on') === paused) return `machine ${machine?.state}`;
  if (!paused && (machine?.machineType !== wanted.machineType || machine.region !== wanted.region))
    return `machine ${machine?.machineType} in ${machine?.region}`;
  if (namespace?.grantedTo !== principal?.id) return 'secrets granted to another principal';
  const joins = documents.peek('joins', agentId);
  const token = `join/${agent.incarnation}-${(joins?.incarnation === agent.incarnation ? joins.count : 0) + 1}`;
  const waiting = Object.keys(namespace?.values ?? {}).filter((name) => name.startsWith('join/'));
  if (waiting.join() !== token) return `join tokens ${waiting.join()} instead of ${token}`;
  const version = `version/${agent.incarnation}-${agent.secretsVersion}`;
  const versions = Object.keys(namespace?.values ?? {}).filter((name) => name.startsWith('version/'));
  if (versions.join() !== version) return `secrets of ${versions.join()} instead of ${version}`;
  const modelKey = namespace?.values[modelKeyName]?.split('.');
  if (modelKey?.[3] !== String(agent.incarnation) || modelKey[4] !== String(agent.secretsVersion)) return 'a model key of another version';
  if (status.secretsVersion !== agent.secretsVersion) return `secrets recorded as version ${status.secretsVersion}`;
  if (network?.access !== wanted.email) return `access for ${network?.access}`;
  if (canonical(network.egress && { ...network.egress }) !== canonical({ ...egress })) return 'egress';
  if (paused) return undefined;
  if (!mailbox.has(`introduction/${agentId}/${agent.incarnation}`)) return 'no introduction';
  const heartbeat = documents.peek('heartbeats', agentId);
  if (heartbeat?.incarnation !== agent.incarnation) return 'no heartbeat';
  const inForce = `${agent.incarnation}.${agent.secretsVersion}`;
  return heartbeat.secretsVersion === inForce ? undefined : `secrets ${heartbeat.secretsVersion} in force instead of ${inForce}`;

  function removed(phase: string, incarnation: number): string | undefined {
    if (phase !== 'removed') return `phase ${phase}`;
    if (cloud.partsOf(agentId).length > 0) return `parts ${cloud.partsOf(agentId).join(', ')}`;
    return documents.peek('receipts', `${agentId}/${incarnation}`) ? undefined : `no receipt for incarnation ${incarnation}`;
  }
}

/** The first agent that has not reached its spec, and how. */
export function unfinished(world: World): string | undefined {
  for (const user of world.users.values()) {
    const { agentId, email, machineType } = user;
    const runs = reasonAgainst(user) === undefined;
    const difference = differs(world, { agentId, email, runs, machineType, region: world.place.region });
    if (difference !== undefined) return `${agentId} of ${user.id} does not reach its spec: ${difference}`;
  }
  for (const [agentId] of world.documents.entries('agents'))
    if (!world.users.has(agentId) && world.documents.peek('statuses', agentId)?.phase !== 'removed')
      return `${agentId} of nobody is not removed`;
  return undefined;
}
