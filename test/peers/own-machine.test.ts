import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { createInstallation } from '../../functions/providers/infra/openclaw-install.ts';
import { machineFolder, machineUids, renderUserData } from '../../functions/providers/infra/machine-template.ts';
import { buildSidecarFolder } from '../../scripts/build-sidecar.ts';
import { eventually, openWorld, type World } from '../http/world.ts';
import { machineTemplates } from '../providers/machine-options.ts';
import { ctx } from '../sidecar/machine-bench.ts';
import { addresses, bootMachine, layMachine, makeNetwork, planeHost, serveMetadata, type Machine } from './own-machine/machine.ts';
import { makeCertificates, openFront } from './own-machine/plane-front.ts';

/*
 * A machine of its own, booted from what the plane renders: systemd as its first process, cloud-init, nftables, the real OpenClaw,
 * and a whole plane behind TLS. It is a container of this host's kernel: what only a machine with its own kernel shows is how much
 * memory the units may take, and its disk.
 */

const repository = join(__dirname, '..', '..');
const patienceMs = 300_000;

interface Packed {
  readonly name: string;
  readonly file: string;
  readonly sha256: string;
}

/** As install.sh wants it; stored and not compressed, since nothing travels far. */
async function pack(folder: string, name: string, from: string): Promise<Packed> {
  const file = join(folder, `${name}.tar.gz`);
  const tar = spawn('tar', ['-cf', '-', '--transform', `s,^\\.,${name},`, '-C', from, '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const hash = createHash('sha256');
  const packed = tar.stdout.pipe(createGzip({ level: 0 }));
  packed.on('data', (chunk: Buffer) => void hash.update(chunk));
  await pipeline(packed, createWriteStream(file));
  return { name, file, sha256: hash.digest('hex') };
}

describe('a machine of its own', () => {
  let folder: string;
  let world: World;
  let agentId: string;
  let machine: Machine;
  let metadata: ChildProcess;
  const closing: (() => void | Promise<void>)[] = [];
  const heartbeat = () => world.store.get('heartbeats', agentId);
  const asAgent = (...command: string[]) => machine.run(command, { uid: machineUids.agent });
  const onMachine = (name: string): string => join(machineFolder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'own-machine-'));
    closing.push(() => rmSync(folder, { recursive: true, force: true }));
    const url = `https://${planeHost}`;
    world = await openWorld({ publicUrl: url });
    closing.push(() => world.close());
    agentId = await world.agentIdOf('bob@acme.test');
    await world.directory.users.update({
      userKey: 'bob@acme.test',
      requestBody: { customSchemas: { OpenClaw_Agent: { agentEnabled: true } } },
    });

    const manifestDir = join(repository, 'manifests', 'machine', 'openclaw');
    const openclaw = await createInstallation({ manifestDir, runtimeDir: '/var/cache/agents-plane' }).ensure();
    const own = join(folder, 'sidecar');
    const node = join(folder, 'node');
    mkdirSync(join(node, 'bin'), { recursive: true });
    await buildSidecarFolder(own, repository);
    copyFileSync(openclaw.node, join(node, 'bin', 'node'));
    const archives = [
      await pack(folder, 'node', node),
      await pack(folder, 'openclaw', dirname(dirname(dirname(openclaw.entry)))),
      await pack(folder, 'sidecar', own),
    ];
    const authority = makeCertificates(folder, planeHost);
    const network = makeNetwork();
    closing.push(() => network.close());
    const files = new Map(archives.map(({ name, file }) => [`/${name}.tar.gz`, file]));
    const front = await openFront({ folder, address: addresses.plane, files, plane: () => world.url });
    closing.push(() => front.close());
    metadata = serveMetadata();
    closing.push(() => void metadata.kill('SIGKILL'));

    const archiveOf = (name: string, version: string) => ({
      version,
      url: `${url}/${name}.tar.gz`,
      sha256: archives.find((archive) => archive.name === name)?.sha256 ?? '',
    });
    const userData = renderUserData(machineTemplates, {
      spec: { planeId: 'acme', agentId, machineType: 'e2-medium', region: 'here', diskSizeGb: 20, labels: {} },
      planeUrl: url,
      archives: {
        node: archiveOf('node', '24.21.0'),
        openclaw: archiveOf('openclaw', openclaw.version),
        sidecar: archiveOf('sidecar', '0.1.0'),
      },
      secrets: { provider: 'plane', path: onMachine('run/join') },
      heartbeatMs: 1_000,
    });
    const laid = join(folder, 'machine');
    mkdirSync(laid);
    layMachine(laid, userData, authority);
    machine = await bootMachine(laid);
    closing.push(() => machine.close());

    // The one thing that does not come with the user data: the infra provider brings it by its own way in, once the machine stands.
    const token = await eventually(
      'a join token',
      async () =>
        (await world.providersOf()?.secrets.list(agentId, ctx))?.includes('join/1-1') &&
        world.providersOf()?.secrets.get('join/1-1', agentId, ctx),
      20_000,
    );
    await eventually('the folder of the sidecar', async () => machine.run(['test', '-d', onMachine('run')]).status === 0, 60_000);
    const brought = machine.run([
      'sh',
      '-c',
      `printf '%s\\n' "$1" >${onMachine('run/join')} && chown openclaw-sidecar: ${onMachine('run/join')} && chmod 600 ${onMachine('run/join')}`,
      'sh',
      `join/1-1 ${token}`,
    ]);
    expect(brought).toEqual({ status: 0, said: '' });
  }, patienceMs);

  afterAll(async () => {
    for (const close of closing.reverse()) await close();
  }, 60_000);

  it(
    'joins the plane, runs OpenClaw, and the agent introduces itself (REQ-INFRA-01, REQ-INFRA-04)',
    async () => {
      const said = (): string =>
        machine.run(['sh', '-c', `tail -n 20 ${onMachine('run/gateway.log')}; journalctl --no-pager -n 40 -o cat`]).said;
      const isReady = async (): Promise<boolean> => {
        const { ready = false, detail = '' } = (await heartbeat()) ?? {};
        if (detail.includes('refuses')) throw new Error(detail);
        return ready;
      };
      try {
        await eventually('readiness', isReady, patienceMs);
        await eventually('an introduction', async () => (await heartbeat())?.introduction !== undefined, 90_000);
      } catch (error) {
        throw new Error(`${JSON.stringify(await heartbeat())}\n${said()}`, { cause: error });
      }
    },
    2 * patienceMs,
  );

  it('is what cloud-init was told to make, by units that are all well', () => {
    expect(machine.run(['cat', '/run/apt-get']).said).toMatch(/ install ca-certificates curl nftables$/);
    const units = ['openclaw-firewall.service', 'openclaw-install.service', 'openclaw-sidecar.service', 'openclaw-gateway.service'];
    for (const unit of [...units, 'openclaw-control.socket', 'openclaw-errand.socket'])
      expect({ unit, ...machine.run(['systemctl', 'is-active', unit]) }).toEqual({ unit, status: 0, said: 'active' });
    expect(machine.run(['systemctl', '--failed', '--no-legend']).said).toBe('');
  });

  it('closes the metadata address to the agent and leaves it to the sidecar', () => {
    const knock = (uid: number) => machine.run(['curl', '--silent', '--max-time', '2', 'http://169.254.169.254/'], { uid }).status;
    // 52: it was reached, and says nothing; 7 and 28: no connection, and none in time.
    expect([7, 28]).toContain(knock(machineUids.agent));
    expect(knock(machineUids.sidecar)).toBe(52);
  });

  it('keeps the agent from its config, from what the sidecar holds, and from systemd (REQ-WSEC-05)', () => {
    const tries = [
      ['sh', '-c', `echo >>${onMachine('config/openclaw.json')}`],
      ['sh', '-c', `rm -f ${onMachine('config/openclaw.json')}`],
      ['cat', onMachine('machine.json')],
      ['cat', onMachine('run/session')],
      ['cat', onMachine('run/join')],
      ['sh', '-c', `echo >>/opt/openclaw/sidecar/plugin/index.js`],
      ['curl', '--silent', '--max-time', '2', '--unix-socket', '/run/openclaw/control.sock', 'http://x/'],
      ['curl', '--silent', '--max-time', '2', '--unix-socket', '/run/openclaw/errand.sock', 'http://x/'],
      ['systemctl', 'stop', 'openclaw-sidecar.service'],
      ['nft', 'flush', 'ruleset'],
    ];
    for (const command of tries) expect({ command, refused: asAgent(...command).status !== 0 }).toEqual({ command, refused: true });
    expect(asAgent('cat', onMachine('config/openclaw.json')).status).toBe(0);
  });

  it('gives secrets to the agent alone, from the plane and from no file of the machine (REQ-SEC-01)', async () => {
    const key = (await world.providersOf()?.secrets.get('model/apiKey', agentId, ctx)) ?? '';
    expect(key).not.toBe('');
    // That the agent itself gets them, its first turn has shown.
    const asked = `echo '{}' | /opt/openclaw/node/bin/node ${onMachine('resolver.mjs')}`;
    expect(machine.run(['sh', '-c', asked], { uid: 65_534 }).said).toContain('EACCES');
    expect(machine.run(['grep', '-rl', key, onMachine('config'), onMachine('run'), onMachine('machine.json'), '/etc']).said).toBe('');
    const rows = await world.store.query('audit', 'bySeq', { equals: [`agent/${agentId}`], limit: 500 });
    expect(rows.filter(({ action }) => action === 'secret.give').map(({ target }) => target)).toContain('model/apiKey');
  });

  it(
    'comes back with the token that it kept, after its sidecar was killed and its session has ended',
    async () => {
      await eventually('the next join token', async () => machine.run(['cat', onMachine('run/join')]).said.startsWith('join/1-2 '), 60_000);
      const { at = 0 } = (await heartbeat()) ?? {};
      machine.run(['sh', '-c', `rm ${onMachine('run/session')}; systemctl kill --signal=KILL openclaw-sidecar.service`]);
      await eventually(
        'a heartbeat of its second boot',
        async () => {
          const now = await heartbeat();
          return now?.boot === 2 && now.at > at && now.live;
        },
        patienceMs,
      );
    },
    patienceMs,
  );
});
