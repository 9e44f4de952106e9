import { phases } from '../../shared/agent.ts';
import type { AgentView, PlaneView } from '../../shared/contract.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import { command } from './command.ts';
import { readAgents } from './find-agent.ts';
import { choice, on, text, whole } from './flags.ts';
import { count, show, toAge, toTable } from './output.ts';
import { saidOnly } from './said.ts';

/** What a person reads at once; more than a screen helps nobody, and programs get all. */
const shownToPeople = 50;

const toRow = (view: AgentView, now: number): string[] => [
  ...[view.agentId, view.ownerEmail, view.phase, view.health, toAge(view.lastHeartbeat, now)],
  [view.detail, ...view.conditions.map(({ type, message }) => `${type}: ${message}`)].filter(Boolean).join('; '),
];

export const status = command({
  path: 'status',
  summary: 'show agents: phase, health, last heartbeat, and what is wrong',
  flags: {
    plane: text('--plane <name>', 'one plane only'),
    q: text('--search <text>', 'part of a name or an address'),
    ou: text('--ou <path>', 'an org unit and all below it'),
    group: text('--group <address>', 'members of a group'),
    phase: choice('--phase <phase>', 'in one phase only', phases),
    health: choice('--health <health>', 'of one health only', ['green', 'yellow', 'red', 'unknown']),
    attention: on('--attention', 'those that need somebody'),
    removed: on('--removed', 'those that are gone; `planes receipt` shows the proof'),
    limit: whole('--limit <agents>', `how many; ${shownToPeople} for people and all for programs unless said`, 1, 1_000_000),
  },
  async run({ client, output, surroundings }, { plane: named, limit, q, attention, removed, ...filters }) {
    const { planes } = await client('listPlanes');
    const chosen = planes.filter(({ planeId }) => named === undefined || planeId === named);
    if (chosen.length === 0 && named !== undefined) {
      throw new PlaneError('notFound', `cannot find plane ${named}; \`planes list\` shows the planes here`);
    }
    const most = limit ?? (output.format === 'table' ? shownToPeople : Infinity);
    const wanted = saidOnly({ ...filters, q, ...(attention ? { attention: 'true' } : {}), ...(removed ? { phase: 'removed' } : {}) });
    const filtered = Object.keys(wanted).length > 0;
    const answer = await Promise.all(chosen.map(async (view) => ({ ...view, list: await readAgents(client, view.planeId, wanted, most) })));
    const toText = ({ planeId, agents, list }: PlaneView & { list: AgentView[] }): string => {
      const title = `${planeId}: ${agents.running} running, ${agents.working} on the way, ${agents.attention} need attention`;
      if (list.length === 0 && filtered) return `${title}\nNo agent is like that.`;
      if (list.length === 0) {
        return `${title}\nNo agents yet. Give somebody one: planes add-agent --plane ${planeId} --name <name> --owner <address>`;
      }
      const rows = list.map((view) => toRow(view, surroundings.now()));
      const table = toTable(['AGENT', 'OWNER', 'PHASE', 'HEALTH', 'HEARTBEAT', 'NOTE'], rows);
      if (list.length < most || filtered) return `${title}\n${table}`;
      const more = `The first ${count(list.length, 'agent')}; --limit shows more, --attention, --ou, --search and others fewer.`;
      return `${title}\n${table}\n${more}`;
    };
    show(output, { planes: answer }, () =>
      answer.length === 0 ? 'No planes yet. `planes create --config planes.yaml` makes one.' : answer.map(toText).join('\n\n'),
    );
  },
});
