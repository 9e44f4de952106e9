import { requestStates } from '../../shared/views.ts';
import { command } from './command.ts';
import { choice } from './flags.ts';
import { show, toTable, toTime } from './output.ts';
import { readAll } from './paging.ts';
import { plane } from './said.ts';

export const requests = command({
  path: 'requests',
  summary: 'list what agents asked for on behalf of their owners',
  flags: { plane, state: choice('--state <state>', 'those in one state; waiting unless said', requestStates) },
  async run({ client, output, planeOf }, { plane: named, state }) {
    const planeId = await planeOf(named);
    const all = await readAll(async (cursor) => {
      const page = await client('listRequests', { params: { planeId }, query: { state, cursor, limit: 100 } });
      return { items: page.requests, next: page.next };
    });
    show(output, { requests: all }, () => {
      if (all.length === 0) return `No requests are ${state ?? 'waiting'}.`;
      const rows = all.map(({ id, ownerEmail, state: now, tools, channels, why, askedAt }) => [
        ...[id, ownerEmail, now, [...tools, ...channels].join(','), toTime(askedAt, output), why],
      ]);
      return `${toTable(['ID', 'OWNER', 'STATE', 'ASKS FOR', 'ASKED', 'WHY, IN THE AGENT\u2019S WORDS'], rows)}\nplanes approve <id>, planes deny <id>`;
    });
  },
});
