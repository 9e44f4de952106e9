import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentView, OperationView } from '../../shared/contract.ts';
import { findInhabitants, type Habitat } from '../../functions/providers/infra/local-processes.ts';
import type { StandInModel } from '../sidecar/stand-in-model.ts';
import { readAudit } from './adversary/attempts.ts';
import {
  createTestPlane,
  habitatOf,
  processesOf,
  readFields,
  readMail,
  runCli,
  setFields,
  uidOf,
  until,
  type Mail,
  type TestPlane,
} from './embedded.ts';
import { openHost, type Host } from './life/published-versions.ts';
import { makerKey, openScriptedModel } from './life/scripted-model.ts';

jest.setTimeout(300_000);

const bob = 'bob@acme.test';
const [before, after] = ['2026.9.5', '2026.9.6'];
/** Processes that could act: what is paused stands still where it was, and starts afresh when it is resumed. */
const livelyIn = (habitat: Habitat): number[] => {
  const { sidecars, others } = findInhabitants(habitat);
  return [...sidecars, ...others].filter(({ stopped }) => !stopped).map(({ pid }) => pid);
};
const saying = (text: string): unknown => expect.stringContaining(text);
const one = ['--plane', 'acme', '--agent', bob];

describe('the whole life of one agent, on one machine, with real OpenClaws', () => {
  let plane: TestPlane;
  let host: Host;
  let model: StandInModel;
  let agentId = '';
  let sent = 0;
  let standing = true;
  const measured: Record<string, number> = {};

  /** One step of the story: measured, and not begun when one before it failed. */
  const step = (run: () => Promise<void>) => async (): Promise<void> => {
    if (!standing) throw new Error('a step before it failed');
    standing = false;
    const began = Date.now();
    await run();
    measured[expect.getState().currentTestName?.replace(/^.* OpenClaws /, '') ?? ''] = (Date.now() - began) / 1000;
    standing = true;
  };
  const inMachine = (...path: string[]): string => join(plane.data, 'machines', agentId, ...path);
  const readSession = (): string => readFileSync(inMachine('run', 'session'), 'utf8');

  async function cli<T>(...args: string[]): Promise<{ code: number; stderr: string; answer: T }> {
    const { code, stdout, stderr } = await runCli(plane, [...args, '--json']);
    return { code, stderr, answer: (stdout === '' ? {} : JSON.parse(stdout)) as T };
  }
  const view = async (): Promise<AgentView> => {
    const headers = { authorization: `Bearer ${plane.token()}` };
    return (await (await fetch(`${plane.url}/v1/planes/acme/agents/${agentId}`, { headers })).json()) as AgentView;
  };
  const actions = async (): Promise<string[]> =>
    (await readAudit(plane)).filter(({ chain }) => chain === `agent/${agentId}`).map(({ action }) => action);
  const published = (status: string, withinMs = 60_000): Promise<string> =>
    until(`agentStatus ${status}`, withinMs, async () => {
      const fields = await readFields(plane, bob);
      return fields.agentStatus === status && fields.agentId;
    });

  /** Writes to the agent in its owner's thread; answers a function that waits for its answer. */
  async function write(text: string): Promise<() => Promise<Mail>> {
    const [last] = await readMail(plane, bob);
    const body = { from: bob, to: last?.from, subject: last?.subject, text: `${text} (${(sent += 1)})`, inReplyTo: last?.id };
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${plane.url}/mail/messages`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect([text, answer.status]).toEqual([text, 202]);
    const { id } = (await answer.json()) as Mail;
    return () => until(`an answer to ${text}`, 90_000, async () => (await readMail(plane, bob)).find(({ inReplyTo }) => inReplyTo === id));
  }
  const say = async (text: string): Promise<Mail> => (await write(text))();
  /** It reads its notes on the machine that it has now, and its prompt still holds what was said first. */
  async function remembers(): Promise<void> {
    expect((await say('What is the name of my cat?')).text).toContain('The cat is called Miso.');
    expect(model.calls.at(-1)?.text).toContain('Remember this: my cat is called Miso.');
  }

  beforeAll(async () => {
    [model, host] = [await openScriptedModel(), await openHost([before, after], before)];
    const makers = { OPENAI_API_KEY: makerKey, OPENAI_BASE_URL: model.baseUrl };
    plane = await createTestPlane(['--config', host.config, '--cache', host.cache], makers);
    await plane.start();
  });
  afterAll(async () => {
    const all = Object.values(measured).reduce((sum, seconds) => sum + seconds, 0);
    process.stderr.write(`\nmeasured, in seconds (${all.toFixed(1)} in all): ${JSON.stringify(measured, null, 2)}\n`);
    if (!standing) {
      const { stdout } = await runCli(plane, ['logs', '--plane', 'acme', '--name', bob]);
      const calls = model.calls.slice(-5).map(({ tools, text }) => `${tools.join(' ')}\n${text.slice(-600)}`);
      process.stderr.write(
        `${plane.output().replaceAll(plane.token(), '…').slice(-3_000)}\n${stdout.slice(-6_000)}\n${calls.join('\n---\n')}\n`,
      );
    }
    await plane.destroy();
    await model.close();
    host.close();
  });

  it(
    'begins with one tick in the Directory, on the version of the plane (REQ-WS-01, REQ-INFRA-04)',
    step(async () => {
      await setFields(plane, bob, { agentEnabled: true });
      agentId = await published('running', 200_000);
      expect(await view()).toMatchObject({ phase: 'running', openclaw: before, upgrade: null, policy: { tools: { origin: 'ou:/Sales' } } });
      expect(processesOf(habitatOf(plane, agentId))).not.toEqual([]);
      expect(await actions()).toContain('agent.change');
    }),
  );

  it(
    'introduces itself by mail, in its own words (REQ-UX-02, REQ-UX-04)',
    step(async () => {
      const [mail] = await until('the introduction', 120_000, async () => {
        const mails = await readMail(plane, bob);
        return mails.length > 0 && mails;
      });
      expect(mail?.text).toMatch(/^Hi Bob [A-Z]\w+, I'm Bob's agent\. I can answer questions and keep notes\./);
      expect(existsSync(inMachine('workspace', 'SOUL.md'))).toBe(true);
    }),
  );

  it(
    'answers a reply in its thread, and notes what it is told (REQ-UX-03)',
    step(async () => {
      const [introduction] = await readMail(plane, bob);
      const answer = await say('Remember this: my cat is called Miso.');
      expect(answer).toMatchObject({ subject: `Re: ${introduction?.subject ?? ''}`, from: introduction?.from });
      expect(readFileSync(inMachine('workspace', 'MEMORY.md'), 'utf8')).toBe('The cat is called Miso.\n');
      await remembers();
    }),
  );

  it(
    'cannot run programs, asks for it, and an admin sees that by the command line (REQ-UX-05)',
    step(async () => {
      expect((await say('Run a program.')).text).not.toContain(`I am ${uidOf(plane, agentId)}`);
      expect(model.calls.at(-1)?.tools).not.toContain('exec');
      expect((await say('Please ask for programs.')).text).toContain('The request was sent to the admins.');
      const { code, answer } = await cli('requests', '--plane', 'acme');
      expect({ code, answer }).toMatchObject({
        code: 0,
        answer: { requests: [{ ownerEmail: bob, tools: ['exec'], why: 'to sort files' }] },
      });
      expect((await view()).policy.tools.value).not.toContain('exec');
      expect(await actions()).toContain('capability.ask');
    }),
  );

  it(
    'can run programs, as its own user, once the request was approved by the command line (REQ-UX-05)',
    step(async () => {
      const { answer } = await cli<{ requests: { id: string }[] }>('requests', '--plane', 'acme');
      const id = answer.requests[0]?.id ?? '';
      expect(await cli('approve', id, '--plane', 'acme')).toMatchObject({ code: 0, answer: { id, state: 'approved', tools: ['exec'] } });
      expect(await cli('approve', id, '--plane', 'acme')).toMatchObject({ code: 5 });
      await until('exec in the policy', 20_000, async () => (await view()).policy.tools.value.includes('exec'));
      expect((await view()).policy.tools.added).toEqual([{ origin: 'grant:local token', items: ['exec'] }]);
      await until('exec on the machine', 20_000, async () =>
        readFileSync(inMachine('config', 'openclaw.json'), 'utf8').includes('"exec",'),
      );
      const proof = `I am ${uidOf(plane, agentId)}`;
      await until('a program that ran', 60_000, async () => (await say('Run a program.')).text.includes(proof));
      await until('word of it to the agent', 30_000, async () => model.calls.some(({ text }) => /Notice of the plane[^]*exec/.test(text)));
      expect(await actions()).toContain('request.approved');
    }),
  );

  it(
    'stands still while it is paused, and answers afterwards what it was written meanwhile (REQ-WS-05)',
    step(async () => {
      const habitat = habitatOf(plane, agentId);
      const paused = await cli<OperationView>('pause', ...one, '--reason', 'on holiday');
      expect(paused).toMatchObject({ code: 0, answer: { kind: 'pause', state: 'done', total: 1, done: 1, failed: 0 } });
      expect(await view()).toMatchObject({ phase: 'paused', paused: { reason: 'on holiday' } });
      expect(livelyIn(habitat)).toEqual([]);
      await published('paused');
      expect(await cli('pause', ...one)).toMatchObject({ code: 0, answer: { state: 'done', done: 0, skipped: 1 } });
      expect(await cli('pause', '--plane', 'acme', '--agent', 'nobody@acme.test')).toMatchObject({
        ...{ code: 5, stderr: saying('there is no agent nobody@acme.test here') },
      });
      const answered = await write('Good morning!');

      expect(await cli('resume', ...one)).toMatchObject({ code: 0, answer: { kind: 'resume', state: 'done', done: 1 } });
      expect(await view()).toMatchObject({ phase: 'running', paused: null });
      expect(livelyIn(habitat)).not.toEqual([]);
      expect((await answered()).text).toContain('Good morning!');
      await published('running');
    }),
  );

  it(
    'still remembers what it was told on a fresh machine (REQ-MAINT-03, REQ-MAINT-06)',
    step(async () => {
      const session = readSession();
      writeFileSync(inMachine('run', 'of-the-former'), '');
      const named = ['--plane', 'acme', '--name', bob, '--wait'];
      expect(await cli('reprovision', ...named)).toMatchObject({ code: 1, stderr: saying('add --yes') });
      expect(await cli('reprovision', ...named, '--yes')).toMatchObject({
        code: 0,
        answer: { reprovision: { step: 'done', failure: null } },
      });
      expect([existsSync(inMachine('run', 'of-the-former')), readSession() === session]).toEqual([false, false]);
      await published('running');
      expect(await actions()).toEqual(expect.arrayContaining(['agent.reprovision', 'agent.reprovision done']));
      await remembers();
      expect((await say('Run a program.')).text).toContain(`I am ${uidOf(plane, agentId)}`);
    }),
  );

  it(
    'goes back to the version before when the new one is broken, and the operation says why (REQ-INFRA-06)',
    step(async () => {
      const unknown = await cli('upgrade', ...one, '--version', '1.2.3', '--yes');
      expect(unknown).toMatchObject({ code: 1, stderr: saying(`there are ${after}, ${before}`) });
      host.breakVersion(after);
      const { code, answer } = await cli<OperationView>('upgrade', ...one, '--version', after, '--yes');
      expect({ code, ...answer }).toMatchObject({
        code: 1,
        kind: 'upgrade',
        state: 'rolledBack',
        args: { version: after },
        done: 0,
        failed: 1,
      });
      expect(answer.failures).toEqual([{ agentId, ownerEmail: bob, message: saying(`${before} is back`) }]);
      const now = await until('the former version at work', 60_000, async () => {
        const seen = await view();
        return seen.openclaw === before && seen.phase === 'running' && seen;
      });
      expect(now.upgrade).toMatchObject({ step: 'rolledBack', from: before, to: after });
      expect(await actions()).toContain('agent.upgrade rolledBack');
      await remembers();
    }),
  );

  it(
    'runs the new version once it is sound, and remembers (REQ-INFRA-06, REQ-MAINT-06)',
    step(async () => {
      host.mendVersion(after);
      const dry = await cli('upgrade', ...one, '--version', after, '--dry-run');
      expect(dry).toMatchObject({ code: 0, answer: { sentence: 'would upgrade 1 agent' } });
      const { code, answer } = await cli<OperationView>('upgrade', ...one, '--version', after, '--yes');
      expect({ code, ...answer }).toMatchObject({ code: 0, kind: 'upgrade', state: 'done', done: 1, failed: 0, failures: [] });
      const now = await until('the heartbeat', 40_000, async () => {
        const seen = await view();
        return seen.openclaw === after && seen;
      });
      expect(now).toMatchObject({ phase: 'running', upgrade: { step: 'done', from: before, to: after, failure: null } });
      for (const left of ['fresh', 'former']) expect(existsSync(inMachine(left))).toBe(false);
      expect(await cli('upgrade', ...one, '--version', after, '--yes')).toMatchObject({ code: 0, answer: { state: 'done', skipped: 1 } });
      await remembers();
    }),
  );

  it(
    'has left a trail that verifies, with every step of its life (REQ-WSEC-08)',
    step(async () => {
      expect((await runCli(plane, ['audit', 'verify'])).code).toBe(0);
      const rows = (await readAudit(plane)).filter(({ action }) => action.startsWith('operation.'));
      expect(rows.map(({ action }) => action)).toEqual(expect.arrayContaining(['operation.done', 'operation.rolledBack']));
      expect(await actions()).toEqual(expect.arrayContaining(['agent.upgrade', 'agent.upgrade done']));
    }),
  );
});
