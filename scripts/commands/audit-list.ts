import type { Answer } from '../../shared/contract.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import { command } from './command.ts';
import { findAgent } from './find-agent.ts';
import { text, whole } from './flags.ts';
import { show, toTable, toTime } from './output.ts';
import { readAll } from './paging.ts';
import { plane } from './said.ts';

const units = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `2026-11-22`, `2026-11-22T17:00Z`, or how long ago: `30m`, `24h`, `7d`. */
function toInstant(said: string | undefined, now: number): string | undefined {
  if (said === undefined) return undefined;
  const ago = /^(\d{1,5})([mhd])$/.exec(said);
  const unit = ago?.[2] === 'm' || ago?.[2] === 'h' || ago?.[2] === 'd' ? units[ago[2]] : 0;
  const at = ago ? now - Number(ago[1]) * unit : Date.parse(said);
  if (Number.isFinite(at)) return new Date(at).toISOString();
  throw new PlaneError('invalid', `cannot read the time ${said}; allowed: 2026-11-22, 2026-11-22T17:00:00Z, or how long ago: 30m, 24h, 7d`);
}

/** Whose agent it is; its id stands in the row's chain. */
function toTarget({ about, target }: Answer<'listAudit'>['rows'][number]): string {
  if (about === null || target === about.ownerEmail) return target;
  return target === about.agentId || target === about.ownerId ? about.ownerEmail : `${target} of ${about.ownerEmail}`;
}

export const auditList = command({
  path: 'audit list',
  usual: true,
  summary: 'show the audit log, newest first',
  flags: {
    plane,
    agent: text('--agent <agent>', 'of one agent: its name, id or owner'),
    user: text('--user <user>', 'who did it: an address or an id'),
    action: text('--action <action>', 'an action, or how it begins: agent. (budget. finds changes of budgets too)'),
    since: text('--since <time>', 'from then on: a time, or 30m, 24h, 7d'),
    until: text('--until <time>', 'before then'),
    limit: whole('--limit <rows>', 'how many rows; 100 unless said', 1, 100_000),
  },
  async run(call, { plane: named, agent, user, action, since, until, limit = 100 }) {
    const { client, output, surroundings } = call;
    const planeId = await call.planeOf(named);
    const agentId = agent === undefined ? undefined : (await findAgent(call, planeId, agent)).agentId;
    const now = surroundings.now();
    const filters = { agentId, user, action, since: toInstant(since, now), until: toInstant(until, now) };
    const rows = await readAll(async (cursor) => {
      const page = await client('listAudit', { params: { planeId }, query: { ...filters, cursor, limit: Math.min(100, limit) } });
      return { items: page.rows, next: page.next };
    }, limit);
    show(output, { rows }, () => {
      if (rows.length === 0) return 'No rows fit. Without --agent, --user, --action, --since and --until there are more.';
      const cells = rows.map((row) => [
        ...[toTime(row.at, output), row.actor.id, row.action, toTarget(row), `${row.chain}#${row.seq}`],
        row.detail === null ? '' : JSON.stringify(row.detail).slice(0, 120),
      ]);
      return toTable(['WHEN', 'WHO', 'WHAT', 'ON', 'ROW', 'DETAIL'], cells);
    });
  },
});
