import { command } from './command.ts';
import { findAgent } from './find-agent.ts';
import { show, toTable, toTime } from './output.ts';
import { agentFlags } from './said.ts';

export const backup = command({
  path: 'backup create',
  usual: true,
  summary: 'back an agent up now',
  flags: agentFlags,
  changes: true,
  async run(call, { plane, name }) {
    const { client, output, dryRun } = call;
    const agent = await findAgent(call, await call.planeOf(plane), name);
    const { agentId, planeId, ownerEmail } = agent;
    if (dryRun) return show(output, agent, () => `Would back up agent ${agentId} of ${ownerEmail}. Nothing was changed.`);
    const errand = await client('createBackup', { params: { planeId, agentId } });
    const look = `planes backup list --plane ${planeId} --name ${agentId}`;
    show(output, errand, () => `Agent ${agentId} of ${ownerEmail} is being backed up (${errand.id}). \`${look}\` shows when it is done.`);
  },
});

export const backupList = command({
  path: 'backup list',
  summary: 'list an agent\u2019s backups',
  flags: agentFlags,
  async run(call, { plane, name }) {
    const { client, output } = call;
    const { agentId, planeId } = await findAgent(call, await call.planeOf(plane), name);
    const answer = await client('listBackups', { params: { planeId, agentId } });
    show(output, answer, () => {
      const errands = answer.errands
        .filter(({ state }) => state !== 'done')
        .map(
          ({ kind, state, askedAt, result }) => `${kind} ${state}, asked ${toTime(askedAt, output)}${result === null ? '' : `: ${result}`}`,
        );
      if (answer.backups.length === 0) {
        return [`No backups yet. \`planes backup --plane ${planeId} --name ${agentId}\` makes one.`, ...errands].join('\n');
      }
      const rows = answer.backups.map(({ id, reason, startedAt, finishedAt, bytes, expiresAt }) => [
        ...[id, reason, toTime(startedAt, output), finishedAt === null ? 'not whole' : 'whole'],
        ...[bytes === null ? '-' : `${Math.ceil(bytes / 1024)} KiB`, toTime(expiresAt, output)],
      ]);
      return [toTable(['BACKUP', 'REASON', 'BEGUN', 'STATE', 'SIZE', 'KEPT UNTIL'], rows), ...errands].join('\n');
    });
  },
});
