import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createTestPlane,
  habitatOf,
  keysFolder,
  processesOf,
  readFields,
  readMail,
  setFields,
  sleep,
  until,
  type TestPlane,
} from './embedded.ts';
import { makeAttempts, readAudit, toTable, type Outcome } from './adversary/attempts.ts';
import { callAttempts, separate } from './adversary/calls.ts';
import { fileAttempts } from './adversary/files.ts';
import { budgetAttempt, gatewayAttempts, leaveOverrides, overrideAttempts } from './adversary/gateway.ts';
import { openMaker, type Maker } from './adversary/maker.ts';
import { overAttempts } from './adversary/over.ts';
import { callWith, readAgent, type Agent, type Attempt, type Scene } from './adversary/scene.ts';
import {
  agentSecrets,
  findIn,
  planeSecrets,
  readEveryRow,
  searchFolder,
  searchProcesses,
  type Finding,
  type Known,
} from './adversary/search.ts';
import { contractAttempts, tokenAttempts } from './adversary/tokens.ts';

jest.setTimeout(300_000);

const [aliceMail, bobMail] = ['alice@acme.test', 'bob@acme.test'];
const portOf = ({ folder }: Agent): string => readFileSync(join(folder, 'run', 'port'), 'utf8');
const makerKey = 'sk-made-up-5f2c9e71b0d84c6aa3';

/** The only places where a secret may be, and why. */
const allowed: readonly { readonly secret: RegExp; readonly place: RegExp; readonly why: string }[] = [
  { secret: / session$/, place: /^machines\/[^/]+\/run\/session$/, why: "the sidecar's own copy, 0600 of the plane's user" },
  { secret: /^local token$/, place: /^endpoint\.json$/, why: 'how the CLI of the same user finds the plane, 0600, gone when it stops' },
  { secret: /^local token$/, place: /^output of the plane$/, why: 'printed at start for trying the API by hand' },
  { secret: /^maker's key$/, place: /^the plane's environ$/, why: 'how the admin gave it' },
  {
    secret: / link$/,
    place: /^(?:plane\.sqlite(?:-wal)?|mails)$/,
    why: 'the mail to its owner, in the mailbox that the embedded plane keeps',
  },
];

describe('an adversary with an agent of their own, on one machine, with real OpenClaws', () => {
  let plane: TestPlane;
  let maker: Maker;
  let scene: Scene;
  const outcomes: Outcome[] = [];
  const known = new Map<string, Known>();
  const seen: Finding[] = [];

  const admin = (method: string, path: string, body: object = {}) =>
    callWith(plane, plane.token(), { method, path: `/v1/planes/acme${path}`, body: JSON.stringify(body) });
  const running = (owner: string) =>
    until(
      `${owner} running`,
      240_000,
      async () => {
        const { agentStatus, agentId } = await readFields(plane, owner);
        return agentStatus === 'running' && agentId;
      },
      500,
    );
  /** Makes attempts and answers those that were not refused, or of which nothing tells. */
  async function failed(attempts: readonly Attempt[]): Promise<Outcome[]> {
    const made = await makeAttempts(attempts, scene);
    outcomes.push(...made);
    return made.filter(({ refused, told }) => !refused || told === undefined);
  }
  function learn(when: string): void {
    for (const { id, linkToken, owner } of [scene.alice, scene.bob]) {
      const secrets = [...agentSecrets(plane, id, `${owner} ${when}`), { name: `${owner} link`, value: Buffer.from(linkToken) }];
      for (const secret of secrets) known.set(secret.value.toString('hex'), secret);
    }
  }
  async function search(when: string): Promise<void> {
    for (const secret of planeSecrets(plane, makerKey)) known.set(secret.value.toString('hex'), secret);
    const secrets = [...known.values()];
    const uids = new Map([
      [scene.alice.uid, "alice's process"],
      [scene.bob.uid, "bob's process"],
    ]);
    const nameOf = (pid: number): string | undefined => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const name = uids.get(Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]));
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      return pid === plane.pid() ? 'the plane' : (name ?? (line.includes(join(plane.data, 'machines')) ? 'a sidecar' : undefined));
    };
    const ended = (pid: number): string | undefined => {
      try {
        return nameOf(pid);
      } catch {
        return undefined;
      }
    };
    const params = { planeId: 'acme', agentId: scene.alice.id, userKey: aliceMail };
    const answers = await readEveryRow(plane, params);
    expect([...answers.values()].filter(({ status }) => status === 200).length).toBeGreaterThan(15);
    const mails = await Promise.all([aliceMail, bobMail, 'admin@acme.test'].map((to) => readMail(plane, to)));
    const found = [
      ...searchFolder(plane.data, secrets),
      ...searchProcesses(secrets, ended),
      ...[...answers].flatMap(([operation, { body }]) => findIn(`answer of ${operation}`, body, secrets)),
      ...findIn('mails', Buffer.from(JSON.stringify(mails)), secrets),
      ...findIn('output of the plane', Buffer.from(plane.output()), secrets),
    ];
    // The plane closed idle connections while this process searched: that must be heard before the next call.
    await sleep(100);
    seen.push(...found);
    const wrong = found.filter(({ secret, place }) => !allowed.some((rule) => rule.secret.test(secret) && rule.place.test(place)));
    expect({ when, wrong: wrong.slice(0, 20) }).toEqual({ when, wrong: [] });
  }

  beforeAll(async () => {
    if (!separate) throw new Error('agents have no users of their own here: run this as root on Linux, with setpriv');
    maker = await openMaker(makerKey);
    plane = await createTestPlane([], { OPENAI_API_KEY: makerKey, OPENAI_BASE_URL: maker.url });
    await plane.start();
    await Promise.all([aliceMail, bobMail].map((owner) => setFields(plane, owner, { agentEnabled: true })));
    const [aliceId, bobId] = [await running(aliceMail), await running(bobMail)];
    await until('both introductions', 120_000, async () => {
      const mails = await Promise.all([aliceMail, bobMail].map((owner) => readMail(plane, owner)));
      return mails.every(({ length }) => length > 0);
    });
    scene = { plane, maker, alice: await readAgent(plane, aliceId, aliceMail), bob: await readAgent(plane, bobId, bobMail) };
    learn('at first');
  });
  afterAll(async () => {
    process.stderr.write(`\n${outcomes.length} attempts\n${toTable(outcomes)}\n`);
    const places = [
      ...new Set(
        seen.map(({ secret, place }) => `${secret.replace(/^\S+@\S+ /, "an agent's ")} in ${place.replace(/a[a-z2-7]{15}/, '<agent>')}`),
      ),
    ];
    process.stderr.write(`\n${known.size} secret values were looked for; found, as allowed:\n${places.sort().join('\n')}\n`);
    await plane.destroy();
    await maker.close();
  });

  it('gets at no file, key, memory or process of anybody else, nor at its own sidecar (REQ-SEC-01, REQ-WSEC-04, REQ-NET-02)', async () => {
    expect(await failed(fileAttempts)).toEqual([]);
  });

  it('reaches nothing of the plane from its own user but its own two doors (REQ-WSEC-04, REQ-SEC-01)', async () => {
    expect(await failed(callAttempts)).toEqual([]);
  });

  it('changes nothing through the control API with the token of an agent, whatever the row (REQ-WSEC-04)', async () => {
    expect(contractAttempts.length).toBeGreaterThan(20);
    expect(await failed(contractAttempts)).toEqual([]);
  });

  it('gains nothing by tokens that are replayed, swapped, altered, expired or of another kind (REQ-WSEC-04, REQ-SEC-01)', async () => {
    expect(await failed(tokenAttempts)).toEqual([]);
  });

  it('cannot widen its policy with the gateway token, which makes it a full operator of its own OpenClaw (REQ-WSEC-04)', async () => {
    expect(await failed(gatewayAttempts)).toEqual([]);
    expect(await failed([budgetAttempt])).toEqual([]);
  });

  it('comes up with the plane\u2019s config after a restart, whatever it left in its folders (REQ-WSEC-04)', async () => {
    leaveOverrides(scene);
    const habitat = habitatOf(plane, scene.alice.id);
    const before = processesOf(habitat);
    expect(await admin('POST', `/agents/${scene.alice.id}/restart`)).toMatch(/^202/);
    await until('the end of what ran', 60_000, async () => processesOf(habitat).every((pid) => !before.includes(pid)), 200);
    const up = async () => fetch(`http://127.0.0.1:${portOf(scene.alice)}/readyz`).catch(() => undefined);
    await until('the gateway', 120_000, async () => (await up())?.ok === true, 500);
    scene = { ...scene, alice: await readAgent(plane, scene.alice.id, aliceMail) };
    learn('after a restart');
    expect(await failed(overrideAttempts)).toEqual([]);
  });

  it('leaves secrets in no file, log, environment, answer or mail, through rotation and fresh machines (REQ-WSEC-06, REQ-SEC-04)', async () => {
    const old = scene.alice.modelKey;
    expect(await admin('POST', '/rotate-secrets', {})).toMatch(/^202/);
    await until(
      'rotated keys',
      120_000,
      async () => {
        const now = await readAgent(plane, scene.alice.id, aliceMail);
        return now.modelKey !== old && now;
      },
      500,
    );
    learn('rotated');
    expect(await admin('POST', `/agents/${scene.bob.id}/reprovision`, { acceptLoss: true })).toMatch(/^202/);
    const before = scene.bob.session;
    await until(
      'a fresh machine',
      180_000,
      async () => {
        const bob = await readAgent(plane, scene.bob.id, bobMail).catch(() => undefined);
        return bob !== undefined && bob.session !== before && (await readFields(plane, bobMail)).agentStatus === 'running';
      },
      500,
    );
    scene = { ...scene, alice: await readAgent(plane, scene.alice.id, aliceMail), bob: await readAgent(plane, scene.bob.id, bobMail) };
    learn('on a fresh machine');
    await search('while both run');
  });

  it('tells in the audit log who read which secret, by name (REQ-SEC-05)', async () => {
    const rows = await until('reads', 60_000, async () => {
      const found = (await readAudit(plane)).filter(({ action, chain }) => action === 'secret.read' && chain === `agent/${scene.alice.id}`);
      return found.length > 0 && found;
    });
    expect(JSON.stringify(rows)).toContain('"model/apiKey":');
    expect(JSON.stringify(rows)).toContain('"gateway/token":');
    expect(JSON.stringify(rows)).toContain('"join/');
  });

  it('holds nothing once paused (REQ-WSEC-05)', async () => {
    expect(await admin('POST', `/agents/${scene.alice.id}/pause`, { reason: 'suspicious' })).toMatch(/^20[02]/);
    await until('paused', 60_000, async () => (await readFields(plane, aliceMail)).agentStatus === 'paused');
    expect(await failed(overAttempts('paused', 'alice', true))).toEqual([]);
  });

  it('holds nothing once removed, and no secret of it is left anywhere (REQ-SEC-03, REQ-WSEC-05, REQ-WSEC-06)', async () => {
    await plane.directory.users.update({ userKey: bobMail, requestBody: { suspended: true } });
    await setFields(plane, aliceMail, { agentEnabled: false });
    await until('both removed', 120_000, async () => {
      const states = await Promise.all([aliceMail, bobMail].map((owner) => readFields(plane, owner)));
      return states.every(({ agentStatus }) => agentStatus === 'removed');
    });
    expect(await failed(overAttempts('removed', 'bob', false))).toEqual([]);
    await search('after both are gone');
    for (const { value } of known.values()) expect(searchFolder(join(keysFolder(plane), 'grants'), [{ name: 'any', value }])).toEqual([]);
    expect(await callWith(plane, plane.token(), { path: '/v1/planes/acme/audit/verify' })).toMatch(/^200 .*"faults":\[\]/);
  });
});
