import { command } from './command.ts';
import { show, toTable } from './output.ts';

export const list = command({
  path: 'list',
  summary: 'list planes',
  flags: {},
  async run({ client, output }) {
    const { planes } = await client('listPlanes');
    show(output, { planes }, () => {
      if (planes.length === 0) return 'No planes yet. `planes create --config planes.yaml` makes one.';
      const rows = planes.map(({ planeId, providers, agents }) => [
        ...[planeId, providers.identity, providers.infrastructure],
        ...[String(agents.total), String(agents.running), String(agents.attention)],
      ]);
      return toTable(['PLANE', 'IDENTITY', 'MACHINES', 'AGENTS', 'RUNNING', 'ATTENTION'], rows);
    });
  },
});
