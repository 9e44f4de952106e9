import { PlaneError } from '../../functions/core/errors.ts';
import { command } from './command.ts';
import { confirmName } from './confirm.ts';
import { findAgent } from './find-agent.ts';
import { text } from './flags.ts';
import { show, toTime } from './output.ts';
import { agentFlags } from './said.ts';

export const restore = command({
  path: 'restore',
  summary: 'bring back what an agent knew at the time of a backup',
  flags: { ...agentFlags, backup: text('--backup <id>', 'as `planes backup list` shows it; the newest whole one unless said') },
  ...{ changes: true, asks: true },
  async run(call, { plane, name, backup: wanted }) {
    const { client, output, dryRun } = call;
    const { agentId, planeId, ownerEmail, name: known } = await findAgent(call, await call.planeOf(plane), name);
    const { backups } = await client('listBackups', { params: { planeId, agentId } });
    const chosen = backups.find(({ id, finishedAt }) => finishedAt !== null && (wanted === undefined || id === wanted));
    if (!chosen) {
      const fact = wanted === undefined ? 'it has no whole backup' : `it has no whole backup ${wanted}`;
      const list = `planes backup list --plane ${planeId} --name ${agentId}`;
      throw new PlaneError('notFound', `cannot restore agent ${agentId} of ${ownerEmail}: ${fact}; \`${list}\` shows them`);
    }
    const what = `put agent ${known} of ${ownerEmail} back to ${toTime(chosen.startedAt, output)}; what it learned since is lost`;
    if (dryRun) return show(output, chosen, () => `Would ${what}. Nothing was changed.`);
    await confirmName(call, what, known);
    const errand = await client('restoreBackup', { params: { planeId, agentId, backupId: chosen.id } });
    show(output, errand, () => `Backup ${chosen.id} is being brought back (${errand.id}). \`planes status --plane ${planeId}\` shows it.`);
  },
});
