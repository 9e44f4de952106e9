import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parse, stringify } from 'yaml';
import { samplePlane } from './sample-views.ts';
import type { Bench } from './bench.ts';

/** Runs a command and asserts the state that results, never the exit code alone. */
export type Case = (bench: Bench) => Promise<void>;

const alice = 'alice@acme.test';
const bob = 'bob@acme.test';
const phaseOf = ({ company }: Bench, owner: string): string => company.ownerOf(owner).phase;
const capOfSales = ({ company }: Bench): number | undefined => company.planeOf('acme').definition.spec.policies[0]?.spec.budgetCap;

async function plannedFile(bench: Bench, name = 'plan.json'): Promise<string> {
  const file = bench.file(name);
  expect((await bench.run(['plan', '--ou', '/Sales', '--budget-cap', '90', '-o', file])).code).toBe(0);
  return file;
}
async function begun(bench: Bench): Promise<string> {
  const { id } = await bench.json('pause', '--ou', '/Sales', '--detach');
  return String(id);
}

export const cases: Readonly<Record<string, Case>> = {
  async create(bench) {
    const file = bench.file('planes.yaml', stringify(samplePlane('file')));
    await bench.json(
      'create',
      '--config',
      file,
      '--name',
      'lab',
      '--region',
      'us-east4',
      '--infra-provider',
      'gcp',
      '--network-provider',
      'iap',
    );
    const { spec } = bench.company.planeOf('lab').definition;
    expect([spec.infrastructure.region, spec.infrastructure.provider, spec.networking.provider]).toEqual(['us-east4', 'gcp', 'iap']);
  },
  async list(bench) {
    expect((await bench.run(['list'])).out).toMatch(/acme +google-workspace +local +2/);
  },
  async status(bench) {
    expect(await bench.json('status', '--plane', 'acme')).toMatchObject({
      planes: [{ list: [{ ownerEmail: alice }, { ownerEmail: bob }] }],
    });
    expect((await bench.run(['status', '--search', 'bob'])).out).not.toContain(alice);
    await bench.run(['remove-agent', '--name', bob, '--yes']);
    expect((await bench.run(['status'])).out).not.toContain(bob);
    expect((await bench.run(['status', '--removed'])).out).toMatch(/bob@acme\.test +removed/);
    expect((await bench.run(['receipt', '--name', bob])).out).toContain('machines at local: none left');
  },
  async delete(bench) {
    expect((await bench.run(['delete', '--plane', 'acme'])).complaints).toContain('say --force');
    await bench.run(['delete', '--plane', 'acme', '--force'], { answer: 'acme' });
    expect([...bench.company.planes.keys()]).toEqual([]);
  },
  async upgrade(bench) {
    await bench.json('upgrade', '--plane', 'acme', '--version', '2026.9.7', '--canary-ou', '/Sales', '--ring', '10%', '--yes');
    expect(bench.company.ownerOf(alice).openclaw).toBe('2026.9.7');
    expect(bench.company.deeds[0]).toContain('"rings":[{"ou":"/Sales"},{"percent":10}]');
  },
  async 'add-agent'(bench) {
    const wishes = ['--model-tier', 'opus', '--budget-cap', '100', '--tools', 'exec,github,email', '--channels', 'whatsapp,slack'];
    await bench.json('add-agent', '--plane', 'acme', '--name', 'ada', '--owner', 'ada@acme.test', ...wishes);
    expect(bench.company.ownerOf('ada@acme.test')).toMatchObject({
      name: 'ada',
      policy: { modelTier: { value: 'opus' }, budgetCap: { value: 100 }, tools: { value: ['exec', 'github', 'email'] } },
    });
    await bench.run(['add-agent', '--owner', 'carol@acme.test', '--machine-type', 'e2-small', '--yes']);
    expect(bench.company.planeOf('acme').definition.spec.agents).toEqual([
      { name: 'carol', owner: 'carol@acme.test', machineType: 'e2-small' },
    ]);
  },
  async 'remove-agent'(bench) {
    await bench.run(['remove-agent', '--plane', 'acme', '--name', bob], { answer: 'bob' });
    expect(phaseOf(bench, bob)).toBe('removed');
  },
  async 'restart-agent'(bench) {
    await bench.json('restart-agent', '--plane', 'acme', '--name', alice);
    expect(bench.company.deeds).toEqual([`restart ${bench.company.ownerOf(alice).agentId}`]);
  },
  async logs(bench) {
    expect((await bench.run(['logs', '--plane', 'acme', '--name', alice, '--lines', '2'])).out).toBe('line 3\nline 4\n');
  },
  async 'rotate-secrets'(bench) {
    await bench.json('rotate-secrets', '--plane', 'acme', '--agent', bob);
    expect(bench.company.deeds.slice(1)).toEqual([`rotated ${bench.company.ownerOf(bob).agentId}`]);
  },
  async pause(bench) {
    await bench.json('pause', '--plane', 'acme');
    expect([phaseOf(bench, alice), phaseOf(bench, bob)]).toEqual(['paused', 'paused']);
  },
  async resume(bench) {
    await bench.json('pause', '--plane', 'acme');
    await bench.json('resume', '--plane', 'acme', '--ou', '/Sales');
    expect([phaseOf(bench, alice), phaseOf(bench, bob)]).toEqual(['paused', 'running']);
  },
  async 'cost-report'(bench) {
    expect(await bench.json('cost-report', '--plane', 'acme', '--period', '30d', '--by', 'ou')).toMatchObject({
      by: 'ou',
      total: { modelUsd: 1.5 },
    });
    expect((await bench.run(['cost-report', '--csv'])).out.split('\r\n')[1]).toContain(",'=SUM(A1),1,3,100,10,1.5,,1.5,3");
  },
  async plan(bench) {
    await plannedFile(bench);
    expect([...bench.company.plans.values()]).toMatchObject([{ kind: 'policy', state: 'ready' }]);
    expect(capOfSales(bench)).toBe(75);
  },
  async apply(bench) {
    const file = await plannedFile(bench);
    await bench.json('apply', file, '--yes');
    expect(capOfSales(bench)).toBe(90);
    expect(bench.company.planeOf('acme').definition.spec.policies[0]?.spec.limits).toEqual({ tools: ['email', 'crm'] });
  },
  async get(bench) {
    const { out } = await bench.run(['get', 'acme', '-o', 'yaml']);
    expect(parse(out)).toEqual(bench.company.planeOf('acme').definition);
    expect((await bench.run(['apply', '-f', bench.file('again.yaml', out), '--yes'])).out).toContain('Nothing to do');
  },
  async drift(bench) {
    expect((await bench.run(['drift', '--check'])).code).toBe(3);
    await bench.json('drift', '--heal', '--yes');
    expect(await bench.json('drift')).toEqual({ drift: [] });
  },
  async explain(bench) {
    expect((await bench.run(['explain', '--user', alice])).out).toBe(`${alice} in /Engineering\n  Agent is on: its own page says so.\n`);
  },
  async 'audit list'(bench) {
    const answer = await bench.json('audit', '--action', 'agent.', '--user', bob, '--since', '1h');
    expect(answer).toMatchObject({ rows: [{ action: 'agent.', actor: { id: bob }, detail: { since: '2026-11-22T16:00:30.000Z' } }] });
    expect((await bench.run(['audit', '--action', 'agent.restart'])).out).toMatch(/agent\.restart +carol@acme\.test /);
  },
  async 'audit verify'(bench) {
    await bench.company.trail.write({ on: 'plane', actor: { kind: 'plane', id: 'worker' }, action: 'plane.change', target: 'acme' });
    await bench.company.trail.checkpoint();
    const [file, key] = [bench.file('audit.ndjson'), bench.file('audit.pem', bench.company.trail.publicKeyPem)];
    await bench.run(['audit', 'export', file]);
    const asked = bench.heard.length;
    expect((await bench.run(['audit', 'verify', file, '--key', key])).out).toContain('every row is as it was written');
    writeFileSync(file, readFileSync(file, 'utf8').replace('plane.change', 'plane.chance'));
    const broken = await bench.run(['audit', 'verify', file, '--key', key]);
    expect([broken.code, bench.heard.length]).toEqual([3, asked]);
    expect(broken.out).toContain('plane/acme row 1: content does not match its hash');
  },
  async 'audit export'(bench) {
    expect((await bench.run(['audit', 'export'])).out).toBe((await bench.company.trail.exported()).toString());
  },
  async 'audit key'(bench) {
    expect((await bench.run(['audit', 'key'])).out.trim()).toBe(bench.company.trail.publicKeyPem.trim());
  },
  async 'receipt show'(bench) {
    expect((await bench.run(['receipt', '--name', bob])).out).toContain('machines at local: none left');
  },
  async 'receipt verify'(bench) {
    const { out } = await bench.run(['receipt', '--name', bob, '--json']);
    const key = bench.file('key.pem', bench.company.trail.publicKeyPem);
    const bad = await bench.run(['receipt', 'verify', bench.file('bad.json', out.replace('asked', 'never')), '--key', key]);
    expect([bad.code, bad.out]).toEqual([3, 'Bad: it is not as it was signed.\n']);
  },
  async approvals(bench) {
    expect(await bench.json('approvals', '--state', 'waiting')).toMatchObject({ approvals: [{ id: 'first' }], plans: [] });
  },
  async requests(bench) {
    expect(await bench.json('requests')).toMatchObject({ requests: [{ id: 'wish', why: 'to look up clients' }] });
  },
  async approve(bench) {
    await bench.json('approve', 'first');
    expect(await bench.json('approvals', '--state', 'approved')).toMatchObject({ approvals: [{ id: 'first' }] });
    const { definition } = bench.company.planeOf('acme');
    bench.company.define('acme', { ...definition, spec: { ...definition.spec, changes: { secondPerson: true, maxRemovals: 25 } } });
    expect((await bench.run(['apply', await plannedFile(bench), '--yes'])).out).toContain('planes approve plan-1 --plane acme');
    expect(capOfSales(bench)).toBe(75);
    await bench.json('approve', 'plan-1');
    expect(capOfSales(bench)).toBe(90);
  },
  async deny(bench) {
    await bench.json('deny', 'wish', '--reason', 'not yet');
    expect(await bench.json('requests', '--state', 'denied')).toMatchObject({ requests: [{ id: 'wish' }] });
  },
  async 'backup create'(bench) {
    await bench.json('backup', '--name', alice);
    expect(await bench.json('backup', 'list', '--name', alice)).toMatchObject({ backups: [{ id: 'backup-1' }] });
  },
  async 'backup list'(bench) {
    expect((await bench.run(['backup', 'list', '--name', alice])).out).toContain('No backups yet');
  },
  async restore(bench) {
    await bench.json('backup', '--name', alice);
    await bench.json('restore', '--name', alice, '--yes');
    expect(bench.company.deeds).toEqual(['restore backup-1']);
  },
  async reprovision(bench) {
    await bench.json('reprovision', '--name', bob, '--accept-loss', '--yes');
    expect(bench.company.deeds).toEqual([`reprovision ${bench.company.ownerOf(bob).agentId} acceptLoss=true`]);
  },
  async 'operations list'(bench) {
    const id = await begun(bench);
    expect(await bench.json('operations')).toMatchObject({ operations: [{ id, state: 'running' }] });
  },
  async 'operations show'(bench) {
    expect((await bench.run(['operations', 'show', await begun(bench), '--agents'])).out).toContain('1 agent: 0 done');
  },
  async 'operations watch'(bench) {
    await bench.json('operations', 'watch', await begun(bench));
    expect(phaseOf(bench, bob)).toBe('paused');
  },
  async 'operations cancel'(bench) {
    const id = await begun(bench);
    await bench.json('operations', 'cancel', id);
    expect(bench.company.look(id).state).toBe('cancelled');
  },
  async 'operations resume'(bench) {
    const id = await begun(bench);
    await bench.json('operations', 'cancel', id);
    await bench.json('operations', 'resume', id);
    expect(phaseOf(bench, bob)).toBe('paused');
  },
  async connect(bench) {
    const shell = async (): Promise<string> => 'a-token\n';
    const config = { contextsDir: bench.file('contexts'), colors: false };
    expect((await bench.run(['connect', bench.url, '--name', 'here'], { shell, config })).code).toBe(0);
    expect((await bench.run(['whoami'], { shell, config })).out).toContain('admin@acme.test');
  },
  async whoami(bench) {
    expect(await bench.json('whoami')).toMatchObject({ email: 'admin@acme.test', ous: null });
  },
  async diagnose(bench) {
    expect(await bench.json('diagnose')).toMatchObject({ checks: [{ state: 'ok' }] });
    bench.company.deeds.push('broken');
    expect((await bench.run(['diagnose'])).code).toBe(3);
  },
  async scaletest(bench) {
    const before = readdirSync(tmpdir());
    const answer = await bench.json('scaletest', '--agents', '5', '--seconds', '2', '--rate', '40');
    const steps = answer['steps'] as { step: string; count: number; errors: number }[];
    expect(answer).toMatchObject({ plane: null, agents: 5, failures: {}, within: true });
    expect(steps.map(({ step }) => step)).toEqual(
      expect.arrayContaining(['create', 'heartbeat', 'pause', 'resume', 'first page', 'by org unit']),
    );
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('agents-plane-scaletest-') && !before.includes(name))).toEqual([]);
    expect(bench.heard).toEqual([]);
    const named = await bench.run(['scaletest', '--plane', 'acme', '--seconds', '1', '--rate', '20', '--yes', '--json']);
    expect([...new Set(bench.heard.map(({ operation }) => operation))].filter((each) => !/^(list|get|explain)/.test(each))).toEqual([]);
    expect([named.code, bench.heard.length > 15]).toEqual([0, true]);
  },
  async completion(bench) {
    expect((await bench.run(['completion', 'bash'])).out).toContain('complete -o default -F _planes planes');
    expect((await bench.run(['complete', 'operations', ''])).out).toBe('cancel\nlist\nresume\nshow\nwatch\n');
    expect((await bench.run(['complete', 'add-agent', '--model-tier', 'o'])).out).toBe('opus\n');
  },
};
