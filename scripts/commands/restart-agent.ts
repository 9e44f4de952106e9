import { command } from './command.ts';
import { findAgent } from './find-agent.ts';
import { show } from './output.ts';
import { agentFlags } from './said.ts';

export const restartAgent = command({
  path: 'restart-agent',
  summary: 'restart an agent',
  flags: agentFlags,
  changes: true,
  async run(call, { plane, name }) {
    const { client, output, dryRun } = call;
    const agent = await findAgent(call, await call.planeOf(plane), name);
    const { agentId, planeId, ownerEmail, phase } = agent;
    if (dryRun) {
      const what = phase === 'running' ? 'Would restart' : `It is ${phase}: the plane would be asked to restart`;
      return show(output, agent, () => `${what} agent ${agentId} of ${ownerEmail}. Nothing was changed.`);
    }
    const answer = await client('restartAgent', { params: { planeId, agentId } });
    show(output, answer, () => `Agent ${agentId} of ${ownerEmail} restarts. \`planes logs --plane ${planeId} --name ${agentId} --follow\``);
  },
});
