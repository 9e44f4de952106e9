import { PlaneError } from '../../functions/core/errors.ts';
import { followAgent, interrupted } from './agent-watch.ts';
import { command, type Call } from './command.ts';
import { needed, on, text } from './flags.ts';
import { show } from './output.ts';
import { applyChange, planOnly } from './plan-apply.ts';
import { plane, saidOnly, wishFlags } from './said.ts';

const flags = {
  plane,
  name: text('--name <agent>', 'what it is called'),
  owner: needed('--owner <address>', 'whose it is'),
  machineType: text('--machine-type <type>', 'such as e2-medium; written into the plane\u2019s definition, which then owns this agent'),
  ...wishFlags,
  wait: on('--wait', 'until it runs'),
} as const;

/** Follows the owner\u2019s agent, where there is one by now. */
async function untilRunning(call: Call, planeId: string, owner: string): Promise<number | undefined> {
  const { agent } = await call.client('getUser', { params: { planeId, userKey: owner } });
  if (!agent) throw new PlaneError('conflict', `cannot wait for the agent of ${owner}: there is none yet; \`planes status\` shows why`);
  const there = await followAgent(call, agent, ({ phase }) => phase === 'running');
  return there ? undefined : interrupted;
}

export const addAgent = command({
  path: 'add-agent',
  summary: 'give somebody an agent',
  flags,
  changes: true,
  asks: true,
  examples: ['planes add-agent --plane acme --name ada --owner alice@acme.test --model-tier opus --budget-cap 100 --tools "exec,github"'],
  async run(call, { plane: named, name, owner, machineType, wait, modelTier, budgetCap, tools, channels }) {
    const { client, output, dryRun } = call;
    const planeId = await call.planeOf(named);
    const wishes = saidOnly({ modelTier, budgetCap, tools: tools && [...tools], channels: channels && [...channels] });
    if (machineType !== undefined) {
      const { definition } = await client('getPlane', { params: { planeId } });
      const others = definition.spec.agents.filter((entry) => entry.owner !== owner);
      const agents = [...others, { name: name ?? owner.split('@')[0] ?? owner, owner, machineType, ...wishes }];
      const change = { kind: 'definition', definition: { ...definition, spec: { ...definition.spec, agents } } } as const;
      return applyChange(call, planeId, change, {});
    }
    if (dryRun) return planOnly(call, planeId, { kind: 'user', userKey: owner, requests: { ...wishes, agentEnabled: true } });
    const made = await client('createAgent', {
      params: { planeId },
      body: { ownerEmail: owner, ...saidOnly({ name }), ...wishes },
    });
    const code = wait ? await untilRunning(call, planeId, owner) : undefined;
    if (code !== undefined) return code;
    const fresh = wait ? await client('getUser', { params: { planeId, userKey: owner } }) : made;
    const { agent } = fresh;
    show(output, fresh, () =>
      [
        agent
          ? `Agent ${agent.agentId} of ${owner} is ${agent.phase}. \`planes status --plane ${planeId} --search ${owner}\` shows how it goes.`
          : `${owner} is to have an agent, and has none yet: \`planes explain --plane ${planeId} --user ${owner}\` says why.`,
        ...fresh.problems,
      ].join('\n'),
    );
    return undefined;
  },
});
