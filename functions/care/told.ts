import { moveAssignment } from '../core/assignments.ts';
import { askSidecar, type CommandDeps } from '../core/commands.ts';
import type { Actor, AgentRecord, CapabilityRequestRecord } from '../core/records.ts';

/** What an agent's machine is told beside its record, and what it tells back. */

const actor: Actor = { kind: 'plane', id: 'rotation' };

/** A reload that failed is asked for again no sooner than this, in milliseconds. */
const againMs = 10 * 60_000;
const mostNotices = 20;

function toSentence({ state, tools, channels, decidedBy, reason }: CapabilityRequestRecord): string {
  const what = [...tools, ...channels].join(', ');
  const because = reason === undefined ? '' : ` They say: ${JSON.stringify(reason)}.`;
  return state === 'approved'
    ? `Your admin ${decidedBy ?? ''} approved what you asked for: ${what}. It is there now.${because}`
    : `Your admin ${decidedBy ?? ''} did not approve what you asked for: ${what}.${because} Tell your owner, and do not look for a way around.`;
}

export function createTold(deps: CommandDeps) {
  const { store, clock } = deps;

  const decided = async ({ agentId }: AgentRecord): Promise<readonly CapabilityRequestRecord[]> => {
    const requests = await store.query('requests', 'byAgent', { equals: [agentId], reverse: true, limit: mostNotices });
    return requests.filter(({ state, toldAt }) => state !== 'waiting' && toldAt === undefined);
  };
  const versionOf = async ({ agentId, incarnation }: AgentRecord): Promise<string> => {
    const status = await store.get('statuses', agentId);
    return status?.incarnation === incarnation ? `${incarnation}.${status.secretsVersion}` : '';
  };

  return {
    secretsVersion: versionOf,
    notices: async (agent: AgentRecord) => (await decided(agent)).map((request) => ({ id: request.id, text: toSentence(request) })),
    async told({ agentId }: AgentRecord, ids: readonly string[]): Promise<void> {
      for (const id of ids) {
        await store.transact(async (tx) => {
          const [request, row] = [await tx.get('requests', id), await tx.get('assignments', agentId)];
          if (request?.agentId !== agentId || request.state === 'waiting' || request.toldAt !== undefined) return;
          tx.set('requests', id, { ...request, toldAt: clock.now() });
          moveAssignment(tx, agentId, row, clock.now());
        });
      }
    },
    /** Hears which version of its secrets a machine runs with, and has it take up the newest once they wait for it. */
    async runsWith(agent: AgentRecord, version: string): Promise<void> {
      const { agentId, incarnation, secretsVersion } = agent;
      const newest = `${incarnation}.${secretsVersion}`;
      if (version === '' || version === newest || (await versionOf(agent)) !== newest) return;
      const recent = await store.query('commands', 'byAgent', { equals: [agentId], from: clock.now() - againMs, reverse: true, limit: 20 });
      const asked = recent.some(({ kind, args }) => kind === 'reloadSecrets' && args['version'] === newest);
      if (!asked) await askSidecar(agent, 'reloadSecrets', { version: newest }, actor, deps);
    },
  };
}
