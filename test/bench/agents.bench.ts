import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findInhabitants, type Habitat } from '../../functions/providers/infra/local-processes.ts';

/*
 * Real agents on this machine: `node test/bench/agents.bench.ts [agents]`. Each is a whole OpenClaw with its sidecar, under a user of its
 * own. Memory is the proportional set size (proc(5), smaps_rollup): what agents share is counted once, in parts.
 */
const count = Number(process.argv[2] ?? 8);
const root = join(import.meta.dirname, '..', '..');
const patienceMs = 15 * 60_000;
const settleMs = 20_000;

const folder = mkdtempSync(join(tmpdir(), 'agents-plane-agents-'));
chmodSync(folder, 0o755);
const data = join(folder, 'data');
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const port = await new Promise<number>((resolve) => {
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const address = probe.address();
    probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
  });
});
const url = `http://127.0.0.1:${port}`;
const env = { PATH: process.env['PATH'], HOME: join(folder, 'home'), LANG: 'C.UTF-8' };
const args = [join(root, 'scripts/local/main.ts'), '--port', String(port), '--data', data, '--users', String(count + 12)];
const plane = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
let output = '';
plane.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));

async function until<T>(what: string, ask: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  for (const end = Date.now() + patienceMs; Date.now() < end; await pause(250)) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
  }
  throw new Error(`waited in vain for ${what}`);
}

interface User {
  readonly primaryEmail: string;
  readonly customSchemas?: { readonly OpenClaw_Agent?: { readonly agentId?: string; readonly agentStatus?: string } };
}
const users = `${url}/google/admin/directory/v1/users`;
const readUser = async (email: string): Promise<User> => (await fetch(`${users}/${email}?projection=full`)).json() as Promise<User>;
const setUser = (email: string, body: object) =>
  fetch(`${users}/${email}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const statusOf = async (email: string) => (await readUser(email)).customSchemas?.OpenClaw_Agent?.agentStatus;

function habitatOf(agentId: string): Habitat {
  const machine = JSON.parse(readFileSync(join(data, 'machines', agentId, 'machine.json'), 'utf8')) as { uid?: number };
  return { folder: join(data, 'machines', agentId), ...(machine.uid === undefined ? {} : { uid: machine.uid }) };
}
function pidsOf(habitat: Habitat): { readonly sidecar: number[]; readonly openclaw: number[] } {
  const { sidecars, others } = findInhabitants(habitat);
  return { sidecar: sidecars.map(({ pid }) => pid), openclaw: others.map(({ pid }) => pid) };
}
const pssMib = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0), 0) / 1024;
const all = ({ sidecar, openclaw }: ReturnType<typeof pidsOf>): number[] => [...sidecar, ...openclaw];
const seconds = (ms: number): number => Math.round(ms / 100) / 10;

try {
  await until('the plane', () => output.includes('Agents Plane is ready'));
  const { token } = JSON.parse(readFileSync(join(data, 'endpoint.json'), 'utf8')) as { token: string };
  const listed = (await (await fetch(`${users}?customer=my_customer&maxResults=100`)).json()) as { users: User[] };
  const emails = listed.users
    .map(({ primaryEmail }) => primaryEmail)
    .filter((email) => !/^(?:admin|viewer)@/.test(email))
    .slice(0, count);

  const began = Date.now();
  await Promise.all(emails.map((email) => setUser(email, { customSchemas: { OpenClaw_Agent: { agentEnabled: true } } })));
  const runningAt = new Map<string, number>();
  await until('all to run', async () => {
    for (const email of emails)
      if (!runningAt.has(email) && (await statusOf(email)) === 'running') runningAt.set(email, Date.now() - began);
    return runningAt.size === count;
  });
  await pause(settleMs);

  const agents = await Promise.all(
    emails.map(async (email) => {
      const agentId = (await readUser(email)).customSchemas?.OpenClaw_Agent?.agentId ?? '';
      return { email, agentId, habitat: habitatOf(agentId), pids: pidsOf(habitatOf(agentId)) };
    }),
  );
  const rows = agents.map(({ email, pids }) => ({
    email,
    'running after, s': seconds(runningAt.get(email) ?? 0),
    'OpenClaw, MiB': Math.round(pssMib(pids.openclaw)),
    'sidecar, MiB': Math.round(pssMib(pids.sidecar)),
  }));
  console.table(rows);
  console.log(`plane: ${Math.round(pssMib([plane.pid ?? 0]))} MiB`);

  const [first, ...others] = agents;
  if (!first) throw new Error('no agent');
  const restartBegan = Date.now();
  const path = `/v1/planes/acme/agents/${first.agentId}/restart`;
  await fetch(url + path, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });
  await until('the restart', () => all(pidsOf(first.habitat)).every((pid) => !all(first.pids).includes(pid)));
  await until('the gateway', async () => {
    const gateway = readFileSync(join(first.habitat.folder, 'run', 'port'), 'utf8');
    const answer = await fetch(`http://127.0.0.1:${gateway}/readyz`).catch(() => undefined);
    return answer?.ok === true;
  });
  // OpenClaw starts and ends small processes of its own all the time: what counts is the first of each agent, and its sidecar.
  const lasting = ({ openclaw, sidecar }: ReturnType<typeof pidsOf>): string => [Math.min(...openclaw), Math.min(...sidecar)].join();
  const touched = others.filter(({ habitat, pids }) => lasting(pidsOf(habitat)) !== lasting(pids));
  console.log(
    `restart of one: ready again after ${seconds(Date.now() - restartBegan)} s; others whose processes changed: ${touched.length}`,
  );

  const removalBegan = Date.now();
  await Promise.all(emails.map((email) => setUser(email, { suspended: true })));
  await until('all to be gone', async () => (await Promise.all(emails.map(statusOf))).every((status) => status === 'removed'));
  console.log(
    `suspension of all: gone after ${seconds(Date.now() - removalBegan)} s; machines left: ${readdirSync(join(data, 'machines')).length}`,
  );
  if (touched.length > 0) process.exitCode = 1;
} finally {
  plane.kill('SIGTERM');
  await new Promise((resolve) => plane.once('exit', resolve));
  rmSync(folder, { recursive: true, force: true });
}
