import { PlaneError } from '../../functions/core/errors.ts';
import { changeAgent, toDraft as asDraft, type AgentDraft, type ChangeDeps } from '../../functions/core/agents.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import { tombstoneOf } from '../../functions/directory/tombstone.ts';
import { plainPlane } from './directory-policies.ts';

export interface User {
  readonly id: string;
  readonly agentId: string;
  readonly email: string;
  readonly enabled: boolean;
  readonly suspended: boolean;
  readonly deleted: boolean;
  readonly machineType: string;
  readonly budgetCap: number;
}

export const createUser = (id: string, agentId: string): User => ({
  id,
  agentId,
  email: `${id}@acme.test`,
  enabled: false,
  suspended: false,
  deleted: false,
  machineType: 'e2-medium',
  budgetCap: 2,
});

/** Why an agent should be gone, or nothing when it should run. */
export function reasonAgainst({ enabled, suspended, deleted }: User): string | undefined {
  if (deleted) return 'deleted';
  if (suspended) return 'suspended';
  return enabled ? undefined : 'disabled';
}

// The pass never looks into a policy; who reads about an agent does.
const { policy } = tombstoneOf(plainPlane, '');

export const blankDraft = (planeId: string, agentId: string): AgentDraft => ({
  agentId,
  planeId,
  ownerId: '',
  ownerEmail: '',
  ownerName: '',
  ouPath: '/',
  name: agentId,
  desired: 'removed',
  reason: 'orphan',
  spec: { modelTier: 'sonnet', budgetCap: 50, tools: [], channels: [], machineType: 'e2-medium', diskSizeGb: 20, region: 'r1' },
  policy,
  requests: {},
  conditions: [],
  restarts: 0,
  replacements: 0,
  secretsVersion: 1,
  secretsRotatedAt: 0,
});

function toDraft(user: User, planeId: string, region: string, current: AgentRecord | undefined): AgentDraft | undefined {
  const reason = reasonAgainst(user);
  if (!current && reason !== undefined) return undefined;
  const { paused, ...draft } = current ? asDraft(current) : blankDraft(planeId, user.agentId);
  return {
    ...draft,
    // Whoever comes back is not paused.
    ...(paused && reason === undefined && draft.desired === 'running' ? { paused } : {}),
    ownerId: user.id,
    ownerEmail: user.email,
    desired: reason === undefined ? 'running' : 'removed',
    reason: reason ?? 'enabled by user',
    spec: { ...draft.spec, machineType: user.machineType, budgetCap: user.budgetCap, region },
  };
}

export interface LookDeps extends ChangeDeps {
  readonly planeId: string;
  /** Reads a user from the directory, late as directories are. */
  readonly readUser: (agentId: string) => Promise<{ readonly user: User; readonly region: string }>;
}

/**
 * Looks at a user and says what its agent should be, as the real intake does. The agent's revision is read before the user:
 * where it moved meanwhile somebody has seen the user later than we, and an old look must not undo what they decided.
 */
export async function lookAt(agentId: string, deps: LookDeps): Promise<void> {
  const seen = await deps.store.get('agents', agentId);
  const { user, region } = await deps.readUser(agentId);
  await changeAgent(
    agentId,
    { kind: 'directory', id: user.id },
    (current) => {
      if (current?.revision !== seen?.revision)
        throw new PlaneError(
          'conflict',
          `cannot decide on agent ${agentId}: it has changed since its user was read; the user is read again`,
        );
      return toDraft(user, deps.planeId, region, current);
    },
    deps,
  );
}
