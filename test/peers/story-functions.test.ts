import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { verifyReceipt } from '../../functions/core/receipt.ts';
import type { Receipt } from '../../functions/core/records.ts';
import { busyIn, holdFile, madeLog, readSecrets } from './story-providers.ts';
import { openStory, until, type Story } from './story-world.ts';

/** The plane on Google's emulators, every function a process of its own from its built bundle, machines in files. */
let story: Story;
let scheduler: NodeJS.Timeout;
beforeAll(async () => {
  story = await openStory();
  await story.sweep();
  // Cloud Scheduler's minute, made shorter.
  scheduler = setInterval(() => void story.sweep().catch(() => undefined), 5_000);
}, 180_000);
afterAll(async () => {
  clearInterval(scheduler);
  await story.destroy();
}, 60_000);
jest.setTimeout(120_000);

interface Agent {
  readonly agentId: string;
  readonly phase: string;
}
const agentOf = async (email: string): Promise<Agent | undefined> => {
  const { body } = await story.asAdmin('GET', `/v1/planes/acme/users/${email}`);
  return (body['agent'] as Agent | null) ?? undefined;
};
const tick = (userKey: string, agentEnabled: boolean) =>
  story.directory.users.update({ userKey, requestBody: { customSchemas: { OpenClaw_Agent: { agentEnabled } } } });
const suspend = (userKey: string) => story.directory.users.update({ userKey, requestBody: { suspended: true } });

async function explaining<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw new Error(`${String(error)}\n${story.outputs()}`, { cause: error });
  });
}
const phaseIs = (email: string, phase: string, withinMs = 60_000): Promise<Agent> =>
  explaining(
    until(`${email} to be ${phase}`, withinMs, async () => {
      const agent = await agentOf(email);
      return agent?.phase === phase && agent;
    }),
  );

/** What the machine's sidecar does: trades its join token and says that it is well. */
async function comeUp(agentId: string): Promise<string> {
  const token = await explaining(
    until('a join token', 60_000, () => Object.entries(readSecrets(story.clouds, agentId)).find(([name]) => name.startsWith('join/'))?.[1]),
  );
  const joined = await story.call('POST', '/agent/join', { body: { token } });
  expect(joined.status).toBe(200);
  const session = String(joined.body['token']);
  expect((await beat(session)).status).toBe(200);
  return session;
}
const beat = (token: string) =>
  story.call('POST', '/agent/heartbeat', { token, body: { version: 'v', live: true, ready: true, introduction: 'Hello from your agent' } });

/** Lets one worker stand still in the middle of a verb, and kills it there. */
async function killAmid(verb: string, cause: () => Promise<unknown>): Promise<number> {
  writeFileSync(holdFile(story.clouds, verb), '');
  await cause();
  const busy = await explaining(until(`a worker amid ${verb}`, 60_000, () => busyIn(story.clouds).find((name) => name.startsWith(verb))));
  const pid = Number(busy.split('-').at(-1));
  expect(story.workers.filter(({ name }) => name === 'reconcile').map(({ child }) => child.pid)).toContain(pid);
  process.kill(pid, 'SIGKILL');
  rmSync(holdFile(story.clouds, verb));
  return pid;
}
const machinesMade = (agentId: string): number =>
  readFileSync(madeLog(story.clouds), 'utf8')
    .split('\n')
    .filter((line) => line === agentId).length;

async function proveRemoval(agentId: string): Promise<void> {
  const { status, body } = await story.asAdmin('GET', `/v1/planes/acme/agents/${agentId}/receipt`);
  expect(status).toBe(200);
  const receipt = body as unknown as Receipt;
  expect(verifyReceipt(receipt, story.signer)).toBe(true);
  expect(verifyReceipt({ ...receipt, ownerEmail: 'x' }, story.signer)).toBe(false);
  expect(receipt.listings.length).toBeGreaterThan(3);
  for (const kind of ['machines', 'principals', 'spaces', 'network'])
    expect(existsSync(`${story.clouds}/${kind}/${agentId}.json`)).toBe(false);
}

describe('a plane of functions', () => {
  it('makes an agent of a tick in the directory, and mails its owner', async () => {
    await tick('alice@acme.test', true);
    const { agentId } = await explaining(until('an agent', 60_000, () => agentOf('alice@acme.test')));
    await comeUp(agentId);
    await phaseIs('alice@acme.test', 'running');
    expect(machinesMade(agentId)).toBe(1);
    const { body } = await story.call('GET', '/mail/messages?to=alice@acme.test');
    expect(body['messages']).toMatchObject([{ to: 'alice@acme.test', text: expect.stringContaining('Hello from your agent') as string }]);
  });

  it('takes it away when its owner is suspended, with a signed receipt', async () => {
    const { agentId } = await phaseIs('alice@acme.test', 'running');
    const modelKey = readSecrets(story.clouds, agentId)['model/apiKey'] ?? '';
    await suspend('alice@acme.test');
    await phaseIs('alice@acme.test', 'removed');
    await proveRemoval(agentId);
    const refused = await story.call('POST', '/model/v1/chat/completions', { token: modelKey, body: { messages: [] } });
    expect(refused.status).toBe(401);
  });

  it('makes one machine although a worker is killed half-way through making it', async () => {
    await killAmid('provision', () => tick('bob@acme.test', true));
    const { agentId } = await explaining(until('an agent', 60_000, () => agentOf('bob@acme.test')));
    await comeUp(agentId);
    await phaseIs('bob@acme.test', 'running');
    expect(machinesMade(agentId)).toBe(1);
  });

  it('finishes a removal although a worker is killed half-way through it', async () => {
    await story.revive();
    const { agentId } = await phaseIs('bob@acme.test', 'running');
    await killAmid('deprovision', () => suspend('bob@acme.test'));
    await phaseIs('bob@acme.test', 'removed');
    await proveRemoval(agentId);
    expect(machinesMade(agentId)).toBe(1);
  });

  it('can prove everything that was done', async () => {
    const { status, body } = await story.asAdmin('GET', '/v1/planes/acme/audit/verify');
    expect([status, body['faults']]).toEqual([200, []]);
    expect(body['chains']).toBeGreaterThanOrEqual(2);
  });
});
