import { retiringMs, sessionMs, type Credential } from '../../functions/core/credentials.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import type { World } from './world.ts';

type Door = Pick<World, 'documents' | 'credentials' | 'clock'> & {
  /** Tokens that are good may be refused for the time being. */
  readonly mayBeHeld?: () => boolean;
};

/** The tokens that a machine of this agent's living incarnation could hold, but for the model keys. */
function tokensOf({ documents, clock }: Door, { agentId, incarnation }: AgentRecord): Credential[] {
  const joins = documents.peek('joins', agentId);
  const boot = joins?.incarnation === incarnation ? joins.count : 0;
  return [
    { kind: 'session', agentId, incarnation, extra: clock.now() + sessionMs, boot },
    { kind: 'join', agentId, incarnation, extra: boot + 1 },
  ];
}

/** Which versions of the model key must be accepted, and which refused; plainly said, and from none of the code under test. */
function keysOf({ documents, clock }: Door, agent: AgentRecord): { readonly version: number; readonly accepted: boolean }[] {
  const { agentId, incarnation, secretsVersion: newest, secretsRotatedAt } = agent;
  if (agent.desired === 'removed' || agent.paused) return [newest - 1, newest].map((version) => ({ version, accepted: false }));
  const heartbeat = documents.peek('heartbeats', agentId);
  const reported = heartbeat?.incarnation === incarnation && heartbeat.secretsVersion === `${incarnation}.${newest}`;
  const retiring = !reported && clock.now() < secretsRotatedAt + retiringMs;
  return [
    { version: newest + 1, accepted: false },
    { version: newest, accepted: true },
    ...(newest > 1 ? [{ version: newest - 1, accepted: retiring }] : []),
    ...(newest > 2 ? [{ version: newest - 2, accepted: false }] : []),
  ];
}

const isAccepted = ({ credentials }: Door, credential: Credential): Promise<boolean> =>
  credentials.check(credentials.mint(credential), credential.kind).then(
    () => true,
    () => false,
  );

/** The first token that is accepted of an agent, whatever the store still says of it. */
export async function firstAccepted(door: Door, agentId: string): Promise<string | undefined> {
  const agent = door.documents.peek('agents', agentId);
  if (!agent) return undefined;
  const model: Credential = { kind: 'model', agentId, incarnation: agent.incarnation, extra: agent.secretsVersion };
  for (const token of [...tokensOf(door, agent), model]) if (await isAccepted(door, token)) return token.kind;
  return undefined;
}

/** Tries every credential of every agent and says the first that is taken though it must be refused, or the other way round. */
export async function checkTokens(door: Door): Promise<string | undefined> {
  const { documents, mayBeHeld = () => false } = door;
  const accepts = (credential: Credential): Promise<boolean> => isAccepted(door, credential);
  for (const [agentId, agent] of documents.entries('agents')) {
    const { desired, incarnation, paused } = agent;
    const rule = desired === 'removed' ? '4' : paused ? 'paused' : 'keys';
    if (rule !== 'keys')
      for (const token of tokensOf(door, agent))
        if (await accepts(token))
          return `${rule}: a ${token.kind} token of ${agentId} is accepted though it is ${paused ? 'paused' : 'to be gone'}`;
    for (const { version, accepted } of keysOf(door, agent)) {
      if ((await accepts({ kind: 'model', agentId, incarnation, extra: version })) === accepted) continue;
      if (accepted && mayBeHeld()) continue;
      return `${rule}: the model key ${incarnation}.${version} of ${agentId} is ${accepted ? 'refused' : 'accepted'}, version ${incarnation}.${agent.secretsVersion} is the newest`;
    }
  }
  return undefined;
}
