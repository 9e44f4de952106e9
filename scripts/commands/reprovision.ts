import { command } from './command.ts';
import { confirmName } from './confirm.ts';
import { findAgent } from './find-agent.ts';
import { on } from './flags.ts';
import { show } from './output.ts';
import { followAgent, interrupted } from './agent-watch.ts';
import { agentFlags } from './said.ts';
import { exitCodes } from './exit-codes.ts';

export const reprovision = command({
  path: 'reprovision',
  summary: 'give an agent a fresh machine with the same memory',
  flags: {
    ...agentFlags,
    acceptLoss: on('--accept-loss', 'also where it is silent and has no backup to bring back'),
    wait: on('--wait', 'until it is done'),
  },
  ...{ changes: true, asks: true },
  async run(call, { plane, name, acceptLoss, wait }) {
    const { client, output, dryRun } = call;
    const agent = await findAgent(call, await call.planeOf(plane), name);
    const { agentId, planeId, ownerEmail } = agent;
    if (dryRun) {
      const loss = acceptLoss ? 'without it where there is no backup' : 'refused where there is no backup';
      const text = `Would back up agent ${agentId} of ${ownerEmail}, replace its machine and bring its memory back (${loss}).`;
      return show(output, agent, () => `${text} Nothing was changed.`);
    }
    await confirmName(call, `replace the machine of agent ${agent.name} of ${ownerEmail}`, agent.name);
    const begun = await client('reprovisionAgent', { params: { planeId, agentId }, body: { acceptLoss } });
    if (!wait) {
      show(output, begun, () => `Agent ${agentId} of ${ownerEmail} gets a fresh machine. \`planes status --plane ${planeId}\` shows it.`);
      return undefined;
    }
    const over = ({ reprovision: care }: typeof begun): boolean => care?.step === 'done' || care?.step === 'failed';
    const fresh = { ...begun, reprovision: null };
    const done = await followAgent(call, fresh, (now) => over(now) && Date.parse(now.reprovision?.startedAt ?? '') >= startOf(begun));
    if (!done) return interrupted;
    const failure = done.reprovision?.failure ?? null;
    show(output, done, () => (failure === null ? `Agent ${agentId} has a fresh machine with its memory.` : `It failed: ${failure}`));
    return failure === null ? exitCodes.done : exitCodes.failed;
  },
});

const startOf = ({ reprovision: care }: { reprovision: { startedAt: string } | null }): number =>
  care === null ? 0 : Date.parse(care.startedAt);
