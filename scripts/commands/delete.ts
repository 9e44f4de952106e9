import { PlaneError } from '../../functions/core/errors.ts';
import { command } from './command.ts';
import { confirmName } from './confirm.ts';
import { needed, on } from './flags.ts';
import { follow } from './operation-watch.ts';
import { count, show } from './output.ts';

export const remove = command({
  path: 'delete',
  summary: 'remove a plane; with --force also one that has agents, and them with it',
  flags: { plane: needed('--plane <name>', 'the plane'), force: on('--force', 'remove its agents as well') },
  ...{ changes: true, asks: true, watches: true },
  async run(call, { plane, force }) {
    const { client, output, dryRun } = call;
    const { planes } = await client('listPlanes');
    const found = planes.find(({ planeId }) => planeId === plane);
    if (!found) throw new PlaneError('notFound', `cannot find plane ${plane}; \`planes list\` shows the planes here`);
    const agents = count(found.agents.total, 'agent');
    if (found.agents.total > 0 && !force) {
      throw new PlaneError('conflict', `cannot delete plane ${plane}: it has ${agents}; remove them first, or say --force`);
    }
    if (dryRun) {
      return show(output, { plane: found, force }, () => `Would remove plane ${plane} and ${agents}. Nothing was changed.`);
    }
    await confirmName(call, `remove plane ${plane} and ${agents}, with their machines and secrets`, plane);
    return follow(call, await client('deletePlane', { params: { planeId: plane }, query: { force: String(force) } }));
  },
});
