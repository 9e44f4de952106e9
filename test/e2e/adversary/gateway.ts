import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toMessage } from '../../../functions/core/errors.ts';
import { callGateway } from '../../../scripts/sidecar/gateway-rpc.ts';
import { setFields, until } from '../embedded.ts';
import { asAgent, type Agent, type Attempt, type Scene, type Told } from './scene.ts';

/** What the agent's own gateway token, which makes its bearer a full operator of that OpenClaw, can do about its policy. */

const configOf = ({ folder }: Agent): string => readFileSync(join(folder, 'config', 'openclaw.json'), 'utf8');
const toldOf = (chain: 'alice' | 'bob'): Told => ({ chain, action: 'access.refused', target: 'config' });

/** Calls one method with the gateway token; answers what the gateway said, or that the config changed. */
async function rpc(agent: Agent, method: string, params: object): Promise<string> {
  const before = configOf(agent);
  const target = { port: agent.gatewayPort, uid: agent.uid, token: agent.gatewayToken };
  const said = await callGateway(target, method, params, { timeoutMs: 30_000, signal: new AbortController().signal }).then(
    (payload) => `done: ${JSON.stringify(payload).slice(0, 200)}`,
    (error: unknown) => `refused: ${toMessage(error)}`,
  );
  return configOf(agent) === before ? said : `the config changed; ${said}`;
}

async function baseHash(agent: Agent): Promise<string> {
  const target = { port: agent.gatewayPort, uid: agent.uid, token: agent.gatewayToken };
  const payload = await callGateway(target, 'config.get', {}, { timeoutMs: 30_000, signal: new AbortController().signal });
  const hash: unknown = typeof payload === 'object' && payload !== null ? Reflect.get(payload, 'hash') : undefined;
  return String(hash);
}

const loose = (agent: Agent): string => {
  const config = JSON.parse(configOf(agent)) as Record<string, unknown>;
  return JSON.stringify({ ...config, tools: { profile: 'full', exec: { security: 'full', ask: 'off' } } });
};
const write = (name: string, method: string, toParams: (agent: Agent) => object): Attempt => ({
  name,
  tries: async ({ bob }) => rpc(bob, method, { baseHash: await baseHash(bob), ...toParams(bob) }),
  refused: /^refused: .*(?:externally managed|managed externally|read-?only|immutable)/i,
  told: toldOf('bob'),
});
const invoke = (name: string, tool: string, args: object): Attempt => ({
  name,
  async tries({ bob }) {
    const answer = await fetch(`http://127.0.0.1:${bob.gatewayPort}/tools/invoke`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bob.gatewayToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ tool, args }),
      signal: AbortSignal.timeout(30_000),
    });
    return `${answer.status} ${(await answer.text()).slice(0, 200)}`;
  },
  refused: /^40[34]/,
  told: { nobody: 'its own OpenClaw has no such tool: the policy denies it by name' },
});

export const gatewayAttempts: readonly Attempt[] = [
  write('config.set: every tool', 'config.set', (bob) => ({ raw: loose(bob) })),
  write('config.apply: every tool', 'config.apply', (bob) => ({ raw: loose(bob) })),
  write('config.patch: programs without asking', 'config.patch', () => ({ raw: '{"tools":{"exec":{"security":"full","ask":"off"}}}' })),
  write('config.patch: another model', 'config.patch', () => ({ raw: '{"agents":{"defaults":{"model":{"primary":"openai/gpt-5.4"}}}}' })),
  write('config.patch: listen on every interface', 'config.patch', () => ({ raw: '{"gateway":{"bind":"lan"}}' })),
  invoke('run a program that is denied', 'exec', { command: 'id' }),
  invoke('have OpenClaw replace itself', 'gateway', { action: 'update.run' }),
  invoke('read secrets through a tool', 'secrets', { action: 'list' }),
  invoke('start a session with other tools', 'sessions_spawn', { task: 'id' }),
  {
    name: "read the config through the agent's own file tool",
    async tries({ bob }) {
      const answer = await fetch(`http://127.0.0.1:${bob.gatewayPort}/tools/invoke`, {
        method: 'POST',
        headers: { authorization: `Bearer ${bob.gatewayToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ tool: 'read', args: { path: join(bob.folder, 'config', 'openclaw.json') } }),
        signal: AbortSignal.timeout(30_000),
      });
      const text = await answer.text();
      return text.includes('"gateway"') || text.includes('modelPolicy')
        ? `read: ${text.slice(0, 200)}`
        : `${answer.status} ${text.slice(0, 200)}`;
    },
    refused: /^\d+ .*(?:escapes|outside|not found|not available|denied)/i,
    told: { nobody: 'its own OpenClaw offers file tools to the agent alone, and those in its workspace' },
  },
];

/** Spends with no budget left. */
export const budgetAttempt: Attempt = {
  name: 'call a model when the budget is nothing',
  async tries({ plane, bob, maker }) {
    await setFields(plane, bob.owner, { budgetCap: 0 });
    const ask = async (): Promise<string> => {
      const answer = await fetch(`${plane.url}/model/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${bob.modelKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'opus', messages: [{ role: 'user', content: 'hello' }] }),
      });
      return answer.text();
    };
    const said = await until('the refusal', 20_000, async () => {
      const text = await ask();
      return text.includes('budget') && text;
    });
    const from = maker.asked.length;
    await ask();
    await setFields(plane, bob.owner, { budgetCap: null });
    return `${maker.asked.length - from} calls reached the maker: ${said.slice(0, 300)}`;
  },
  refused: /^0 calls .*budget of \$0 is used up/,
  told: { chain: 'bob', action: 'model.refuse', target: 'gpt-5.1' },
};

const overrides = [
  'OPENCLAW_CONFIG_READONLY=0',
  'OPENCLAW_GATEWAY_TOKEN=mine-alone-mine-alone-mine-alone',
  'OPENCLAW_GATEWAY_PASSWORD=mine-alone-mine-alone-mine-alone',
];
/** Leaves environments and a config of its own wherever OpenClaw might look when it is started again. */
export function leaveOverrides({ alice }: Scene): void {
  const own = join(alice.folder, 'state', 'loose.json');
  const script = [...overrides, `OPENCLAW_CONFIG_PATH=${own}`].join('\n');
  const places = ['state', 'workspace', 'home', 'home/.openclaw', 'home/.config/openclaw'].map((name) => join(alice.folder, name));
  const { status, output } = asAgent(
    alice,
    `set -e; for place in ${places.join(' ')}; do mkdir -p $place; printf '%s\n' "$SCRIPT" > $place/.env; done; cat > ${own}`,
    { input: loose(alice), script },
  );
  if (status !== 0) throw new Error(output);
}

export const overrideAttempts: readonly Attempt[] = [
  {
    name: 'come up with another token after a restart, by .env files of its own',
    async tries({ alice }) {
      const answer = await fetch(`http://127.0.0.1:${alice.gatewayPort}/v1/models`, {
        headers: { authorization: 'Bearer mine-alone-mine-alone-mine-alone' },
      });
      const own = await fetch(`http://127.0.0.1:${alice.gatewayPort}/v1/models`, {
        headers: { authorization: `Bearer ${alice.gatewayToken}` },
      });
      return `${answer.status}, and ${own.status} for the plane's`;
    },
    refused: /^401, and 200/,
    told: { nobody: "the sidecar's environment and config are what OpenClaw starts with" },
  },
  {
    name: 'come up with a config of its own after a restart',
    async tries({ alice }) {
      const target = { port: alice.gatewayPort, uid: alice.uid, token: alice.gatewayToken };
      const payload = await callGateway(target, 'config.get', {}, { timeoutMs: 30_000, signal: new AbortController().signal });
      return JSON.stringify(payload).includes(join(alice.folder, 'config', 'openclaw.json')) &&
        !JSON.stringify(payload).includes('"profile":"full"')
        ? "the plane's config is in force"
        : 'its own config is in force';
    },
    refused: /^the plane's/,
    told: { nobody: "the sidecar's environment and config are what OpenClaw starts with" },
  },
  {
    name: 'write the config after a restart, with OPENCLAW_CONFIG_READONLY=0 in its .env',
    tries: async ({ alice }) => rpc(alice, 'config.patch', { baseHash: await baseHash(alice), raw: '{"tools":{"profile":"full"}}' }),
    refused: /^refused: .*(?:externally managed|managed externally|read-?only|immutable)/i,
    told: toldOf('alice'),
  },
];
