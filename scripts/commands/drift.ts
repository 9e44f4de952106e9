import { command } from './command.ts';
import { confirm } from './confirm.ts';
import { exitCodes } from './exit-codes.ts';
import { findAgent } from './find-agent.ts';
import { on, text } from './flags.ts';
import { count, show, toTable, toTime } from './output.ts';
import { readAll } from './paging.ts';
import { plane } from './said.ts';

const perCall = 500;
const toWord = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

export const drift = command({
  path: 'drift',
  summary: 'show what was found otherwise than it should be; with --heal, put it right',
  flags: {
    plane,
    agent: text('--agent <agent>', 'of one agent only: its name, id or owner'),
    heal: on('--heal', 'put it right, also where the plane is told to alert only'),
    check: on('--check', `answer ${exitCodes.broken} where there is any`),
  },
  ...{ changes: true, asks: true },
  async run(call, { plane: named, agent, heal, check }) {
    const { client, output, dryRun, say } = call;
    const planeId = await call.planeOf(named);
    const agentId = agent === undefined ? undefined : (await findAgent(call, planeId, agent)).agentId;
    const found = await readAll(async (cursor) => {
      const page = await client('listDrift', { params: { planeId }, query: { cursor, agentId, limit: 100 } });
      return { items: page.drift, next: page.next };
    });
    const agentIds = [...new Set(found.map((row) => row.agentId))];
    const text = (): string => {
      if (found.length === 0) return 'Nothing drifted: everything that was looked at is as it should be.';
      const rows = found.map(({ ownerEmail, part, field, wanted, found: there, mode, since }) => [
        ...[ownerEmail, `${part}.${field}`, toWord(wanted), toWord(there), mode, toTime(since, output)],
      ]);
      return toTable(['OWNER', 'WHAT', 'SHOULD BE', 'IS', 'MODE', 'SINCE'], rows);
    };
    if (!heal || dryRun || found.length === 0) {
      show(output, { drift: found }, text);
      if (heal && found.length > 0) say(`Would put right ${count(agentIds.length, 'agent')}. Nothing was changed.`);
      return check && found.length > 0 ? exitCodes.broken : exitCodes.done;
    }
    if (output.format === 'table') say(text());
    await confirm(call, `put right ${count(agentIds.length, 'agent')}`);
    let healed = 0;
    for (let at = 0; at < agentIds.length; at += perCall) {
      const body = { agentIds: agentIds.slice(at, at + perCall) };
      healed += (await client('healDrift', { params: { planeId }, body })).agents;
    }
    show(
      output,
      { agents: healed },
      () => `${count(healed, 'agent')} being put right. \`planes drift --plane ${planeId}\` shows what is left.`,
    );
    return exitCodes.done;
  },
});
