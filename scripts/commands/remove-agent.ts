import { followAgent, interrupted } from './agent-watch.ts';
import { command } from './command.ts';
import { confirmName } from './confirm.ts';
import { findAgent } from './find-agent.ts';
import { on } from './flags.ts';
import { show } from './output.ts';
import { planOnly } from './plan-apply.ts';
import { agentFlags } from './said.ts';

export const removeAgent = command({
  path: 'remove-agent',
  summary: 'take an agent away: its access at once, then its machine and its secrets',
  flags: { ...agentFlags, wait: on('--wait', 'until it is gone and the proof of it is signed') },
  ...{ changes: true, asks: true },
  async run(call, { plane, name, wait }) {
    const { client, output, dryRun } = call;
    const agent = await findAgent(call, await call.planeOf(plane), name);
    const { agentId, planeId, ownerEmail } = agent;
    if (dryRun) return planOnly(call, planeId, { kind: 'user', userKey: agent.ownerId, requests: { agentEnabled: false } });
    await confirmName(call, `remove agent ${agent.name} of ${ownerEmail}, with its machine and its secrets`, agent.name);
    const answer = await client('removeAgent', { params: { planeId, agentId } });
    const proof = `planes receipt --plane ${planeId} --name ${agentId}`;
    if (!wait) {
      show(output, answer, () => `Agent ${agentId} of ${ownerEmail} is being removed. When it is gone, \`${proof}\` shows the proof.`);
      return undefined;
    }
    const gone = await followAgent(call, answer.agent ?? agent, ({ phase }) => phase === 'removed');
    if (!gone) return interrupted;
    show(output, gone, () => `Agent ${agentId} of ${ownerEmail} is gone. \`${proof}\` shows the proof.`);
    return undefined;
  },
});
