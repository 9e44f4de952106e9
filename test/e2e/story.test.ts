import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { verifyReceipt } from '../../functions/core/receipt.ts';
import type { Receipt } from '../../functions/core/records.ts';
import {
  capture,
  chat,
  createTestPlane,
  habitatOf,
  nodeOf,
  processesOf,
  readFields,
  readMail,
  readSigner,
  runCli,
  setFields,
  sleep,
  uidOf,
  until,
  type Captured,
  type TestPlane,
} from './embedded.ts';

jest.setTimeout(240_000);

const [alice, bob] = ['alice@acme.test', 'bob@acme.test'];
const measured: Record<string, number> = {};

/** Runs a line of shell as an agent's own user, as a program that took over the agent would. */
function asAgent(uid: number, line: string): { status: number | null; output: string } {
  const flags = [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs', '--bounding-set=-all'];
  const { status, stdout, stderr } = spawnSync('setpriv', [...flags, 'sh', '-c', line], { encoding: 'utf8', timeout: 20_000 });
  return { status, output: `${stdout}${stderr}` };
}

const statusOf = async (call: Promise<Response>): Promise<number | 'refused'> =>
  call.then(
    ({ status }) => status,
    () => 'refused' as const,
  );

describe('the story of an agent, on one machine, with a real OpenClaw', () => {
  let plane: TestPlane;
  let aliceId = '';
  let bobId = '';
  let captured: Captured;

  beforeAll(async () => {
    plane = await createTestPlane();
    await plane.start();
  });
  afterAll(async () => {
    process.stderr.write(`\nmeasured, in seconds: ${JSON.stringify(measured)}\n`);
    await plane.destroy();
  });

  it('makes an agent from one tick in the Directory (REQ-WS-01, REQ-INFRA-04)', async () => {
    const began = Date.now();
    await setFields(plane, alice, { agentEnabled: true });
    const fields = await until('agentStatus running', 150_000, async () => {
      const now = await readFields(plane, alice);
      return now.agentStatus === 'running' && now;
    });
    measured['tick to running'] = (Date.now() - began) / 1000;
    aliceId = fields.agentId ?? '';
    expect(aliceId).toMatch(/^a[a-z2-7]{15}$/);
  });

  it('lets the agent introduce itself by mail, following BOOTSTRAP.md (REQ-UX-02, REQ-UX-03, REQ-UX-04)', async () => {
    const began = Date.now();
    const [mail] = await until('the introduction', 60_000, async () => {
      const mails = await readMail(plane, alice);
      return mails.length > 0 && mails;
    });
    measured['running to introduction'] = (Date.now() - began) / 1000;
    expect(mail?.subject).toContain("I'm Alice's agent");
    expect(mail?.text).toMatch(/^Hi Alice Archer, I'm Alice's agent/);
    expect(mail?.text).toContain('your company has not connected a model');
    expect(mail?.text).toContain('Just reply to this email to start chatting.');
    captured = await capture(plane, aliceId, alice);
  });

  it('answers a chat turn straight at the gateway', async () => {
    const answer = await chat(captured.gatewayPort, captured.gatewayToken, aliceId, 60_000);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('Are you there?');
  });

  it('takes a reply from the owner, and from nobody else', async () => {
    const [mail] = await readMail(plane, alice);
    const reply = { to: mail?.from ?? '', subject: `Re: ${mail?.subject ?? ''}`, text: 'What can you do?', inReplyTo: mail?.id };
    const send = (from: string) =>
      fetch(`${plane.url}/mail/messages`, {
        method: 'POST',
        body: JSON.stringify({ ...reply, from }),
        headers: { 'content-type': 'application/json' },
      });
    expect((await send(bob)).status).toBe(403);
    expect((await send(alice)).status).toBe(202);
    const answer = await until('the answer', 60_000, async () => (await readMail(plane, alice)).find(({ id }) => id.startsWith('answer/')));
    expect(answer.text).toContain('What can you do?');
    expect(answer.subject).toMatch(/^Re: /);
  });

  it('gives a second person an agent of their own', async () => {
    const began = Date.now();
    await setFields(plane, bob, { agentEnabled: true });
    const fields = await until('bob running', 150_000, async () => {
      const now = await readFields(plane, bob);
      return now.agentStatus === 'running' && now;
    });
    measured['tick to running, OpenClaw installed'] = (Date.now() - began) / 1000;
    bobId = fields.agentId ?? '';
    expect(bobId).not.toBe(aliceId);
  });

  // Users of their own need root on Linux.
  const separate = process.platform === 'linux' && process.getuid?.() === 0;
  if (separate)
    it('keeps what an agent\u2019s own user can reach to that agent (REQ-SEC-01, REQ-NET-02, REQ-WSEC-04)', async () => {
      const uid = uidOf(plane, aliceId);
      const machines = join(plane.data, 'machines');
      const attempts = [
        `cat ${machines}/${bobId}/machine.json`,
        `ls ${machines}/${bobId}/state`,
        `ls ${machines}/${bobId}/workspace`,
        `cat ${machines}/${bobId}/config/openclaw.json`,
        `cat ${machines}/${bobId}/run/session`,
        `cat ${machines}/${aliceId}/run/session`,
        `cat ${machines}/${aliceId}/machine.json`,
        `ls ${plane.data}/secrets`,
        `cat ${plane.data}/plane.sqlite`,
        `cat ${plane.data}/workspace.sqlite`,
        `cat ${plane.data}/endpoint.json`,
        `ls ${plane.home}/.config/agents-plane`,
        `echo x >> ${machines}/${aliceId}/config/openclaw.json`,
        `mv ${machines}/${aliceId}/config/openclaw.json /tmp/`,
        `kill -9 ${processesOf(habitatOf(plane, bobId)).join(' ')}`,
        `kill -9 ${process.pid}`,
      ];
      for (const attempt of attempts) expect([attempt, asAgent(uid, attempt).status]).not.toEqual([attempt, 0]);

      const node = nodeOf(plane, aliceId);
      const call = (method: string, path: string, headers = {}) => {
        const script = `fetch(${JSON.stringify(plane.url + path)},${JSON.stringify({ method, headers, ...(method === 'PUT' ? { body: '{}' } : {}) })}).then(r=>console.log(r.status))`;
        const { output } = asAgent(uid, `${node} -e '${script}'`);
        return Number(output.trim());
      };
      expect(call('PUT', `/google/admin/directory/v1/users/${alice}`)).toBe(403);
      expect(call('PUT', `/admin/directory/v1/users/${alice}`)).toBe(403);
      expect(call('GET', '/mail/messages')).toBe(403);
      expect(call('GET', '/v1/planes')).toBe(403);
      expect(call('GET', '/v1/planes', { authorization: `Bearer ${plane.token()}` })).toBe(403);
      expect(call('GET', '/')).toBe(403);
      expect(call('POST', '/model/v1/chat/completions')).toBe(401);
    });

  it('shows itself to the command line', async () => {
    const status = await runCli(plane, ['status', '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject({
      planes: [{ planeId: 'acme', agents: { running: 2 }, list: [{ phase: 'running' }, { phase: 'running' }] }],
    });
    expect((await runCli(plane, ['list'])).stdout).toContain('google-workspace');
    expect((await runCli(plane, ['logs', '--plane', 'acme', '--name', alice])).stdout).not.toBe('');
    expect((await runCli(plane, ['audit', 'verify'])).stdout).toContain('every row is as it was written');
    const explained = (await runCli(plane, ['explain', '--plane', 'acme', '--user', alice])).stdout;
    expect(explained).toContain('engineering-leads@acme.test');
    expect((await runCli(plane, ['approvals', '--plane', 'acme'])).code).toBe(0);
  });

  it('ends all access within a second of a suspension, and everything within fifteen (REQ-ID-04, REQ-WS-06, REQ-WSEC-05, REQ-SEC-03)', async () => {
    const habitat = habitatOf(plane, aliceId);
    // Of Bob's processes, those that stay: OpenClaw begins short ones by itself.
    const seen = processesOf(habitatOf(plane, bobId));
    await sleep(3_000);
    const before = processesOf(habitatOf(plane, bobId)).filter((pid) => seen.includes(pid));
    const [mail] = await readMail(plane, alice);
    const began = Date.now();
    await plane.directory.users.update({ userKey: alice, requestBody: { suspended: true } });
    await sleep(Math.max(0, began + 900 - Date.now()));

    const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });
    const tries = {
      model: fetch(`${plane.url}/model/v1/chat/completions`, {
        method: 'POST',
        ...bearer(captured.modelKey),
        body: '{"model":"opus","messages":[]}',
      }),
      heartbeat: fetch(`${plane.url}/agent/heartbeat`, {
        method: 'POST',
        ...bearer(captured.session),
        body: '{"version":"x","live":true,"ready":true}',
      }),
      assignment: fetch(`${plane.url}/agent/assignment`, bearer(captured.session)),
      link: fetch(captured.link),
      mail: fetch(`${plane.url}/mail/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ from: alice, to: mail?.from, subject: 'Re:', text: 'hello', inReplyTo: mail?.id }),
      }),
      chat: chat(captured.gatewayPort, captured.gatewayToken, aliceId, 3_000),
    };
    const results = await Promise.all(Object.entries(tries).map(async ([name, call]) => [name, await statusOf(call)] as const));
    expect(Object.fromEntries(results)).toEqual({ model: 401, heartbeat: 401, assignment: 401, link: 401, mail: 403, chat: 'refused' });

    const receipt = await until('the receipt', 15_000, async () => {
      const answer = await fetch(`${plane.url}/v1/planes/acme/agents/${aliceId}/receipt`, bearer(plane.token()));
      return answer.ok && ((await answer.json()) as Receipt);
    });
    measured['suspension to receipt'] = (Date.now() - began) / 1000;
    expect((Date.now() - began) / 1000).toBeLessThan(15);
    expect(verifyReceipt(receipt, readSigner(plane))).toBe(true);
    expect(verifyReceipt({ ...receipt, ownerEmail: bob }, readSigner(plane))).toBe(false);
    expect(receipt).toMatchObject({ agentId: aliceId, reason: 'suspended', ownerEmail: alice });
    measured['suspension to revoked'] = (Date.parse(receipt.revokedAt) - began) / 1000;

    expect((await runCli(plane, ['receipt', '--plane', 'acme', '--name', alice])).stdout).toContain('machines at local: none left');
    expect(processesOf(habitat)).toEqual([]);
    expect(existsSync(join(plane.data, 'machines', aliceId))).toBe(false);
    expect(existsSync(join(plane.data, 'secrets', aliceId))).toBe(false);
    expect(processesOf(habitatOf(plane, bobId))).toEqual(expect.arrayContaining(before));
    expect(await readFields(plane, bob)).toMatchObject({ agentStatus: 'running' });
    await until('agentStatus removed', 5_000, async () => (await readFields(plane, alice)).agentStatus === 'removed');
  });

  it('finishes a removal that a power cut interrupted, and leaves no process and no file', async () => {
    const habitat = habitatOf(plane, bobId);
    await plane.directory.users.update({ userKey: bob, requestBody: { suspended: true } });
    await until('the removal to begin', 5_000, async () => {
      const { stdout } = await runCli(plane, ['status', '--json']);
      return stdout.includes('"removing"');
    });
    await plane.kill();
    await plane.start();
    await until('bob removed', 30_000, async () => (await readFields(plane, bob)).agentStatus === 'removed');
    expect(processesOf(habitat)).toEqual([]);
    expect(readdirSync(join(plane.data, 'machines'))).toEqual([]);
    expect(readdirSync(join(plane.data, 'secrets'))).toEqual([]);
    expect(readdirSync(join(plane.data, 'network'))).toEqual([]);
    expect((await runCli(plane, ['audit', 'verify'])).code).toBe(0);
  });
});
