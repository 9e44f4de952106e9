import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { DatabaseSync } from 'node:sqlite';
import { pack } from 'tar-stream';
import { limits } from '../../scripts/sidecar/archive/layout.ts';
import { packMachine } from '../../scripts/sidecar/archive/pack.ts';
import { refuseSecrets } from '../../scripts/sidecar/archive/transfer.ts';
import { unpackMachine } from '../../scripts/sidecar/archive/unpack.ts';

type Entry = Parameters<ReturnType<typeof pack>['entry']>[0] & { readonly text?: string };

describe('an archive of a machine', () => {
  let root: string;
  const machine = (...path: string[]): string => join(root, 'machine', ...path);
  const target = (...path: string[]): string => join(root, 'target', ...path);
  const write = (path: string, text: string): void => {
    mkdirSync(join(machine(path), '..'), { recursive: true });
    writeFileSync(machine(path), text);
  };
  async function make(): Promise<Buffer> {
    const out = createWriteStream(join(root, 'archive.tar'));
    await packMachine(machine(), '2026.9.6', out);
    return readFileSync(join(root, 'archive.tar'));
  }
  const restore = (archive: Buffer, most = limits) => unpackMachine(Readable.from([archive]), target(), most);

  /** An archive that we would never make. */
  async function forge(entries: readonly Entry[], end: object | undefined = { entries: entries.length }): Promise<Buffer> {
    const archive = pack();
    archive.entry({ name: 'manifest.json' }, JSON.stringify({ format: 1, openclaw: '2026.9.6' }));
    for (const { text = '', ...header } of entries) archive.entry(header, text);
    if (end) archive.entry({ name: 'end.json' }, JSON.stringify(end));
    archive.finalize();
    const out = new PassThrough();
    void pipeline(archive, out);
    return buffer(out);
  }

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'agents-plane-archive-'));
    for (const folder of ['machine/workspace', 'machine/state', 'machine/tmp', 'target'])
      mkdirSync(join(root, folder), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('brings back workspace and state, and the OpenClaw that it was made under', async () => {
    write('workspace/memory/2026-11-22.md', 'The cat is called Miso.');
    write('workspace/empty', '');
    write('state/agents/a/agent/notes.json', '{}');
    symlinkSync('memory/2026-11-22.md', machine('workspace', 'today.md'));
    await expect(restore(await make())).resolves.toEqual({ openclaw: '2026.9.6' });
    expect(readFileSync(target('workspace', 'memory', '2026-11-22.md'), 'utf8')).toBe('The cat is called Miso.');
    expect(readFileSync(target('workspace', 'empty'), 'utf8')).toBe('');
    expect(readlinkSync(target('workspace', 'today.md'))).toBe('memory/2026-11-22.md');
    expect(existsSync(target('state', 'agents', 'a', 'agent', 'notes.json'))).toBe(true);
  });

  it('holds a database as it is while others write to it, without its credentials', async () => {
    const file = machine('state', 'openclaw.sqlite');
    const database = new DatabaseSync(file);
    database.exec(`PRAGMA journal_mode = WAL;
      CREATE TABLE turns (text TEXT); INSERT INTO turns VALUES ('hello');
      CREATE TABLE secret_store_entries (value TEXT); INSERT INTO secret_store_entries VALUES ('a-very-secret-value');
      CREATE TABLE config_machine_state (state_key TEXT, value TEXT);
      INSERT INTO config_machine_state VALUES ('authProfiles.x', 'another-secret-value'), ('theme', 'dark');`);
    const archive = await make();
    database.close();
    expect(archive.includes('a-very-secret-value')).toBe(false);
    expect(archive.includes('another-secret-value')).toBe(false);
    await restore(archive);
    const restored = new DatabaseSync(target('state', 'openclaw.sqlite'));
    expect(restored.prepare('SELECT text FROM turns').all()).toMatchObject([{ text: 'hello' }]);
    expect(restored.prepare('SELECT value FROM config_machine_state').all()).toMatchObject([{ value: 'dark' }]);
    restored.close();
  });

  it('leaves out logs, caches, installed packages, the config and links that lead out', async () => {
    const left = ['state/logs/gateway.log', 'state/tmp/x', 'state/npm/x', 'state/openclaw.json', 'workspace/node_modules/x/index.js'];
    for (const path of [...left, 'workspace/logs/kept.md']) write(path, 'text');
    symlinkSync('/etc/passwd', machine('workspace', 'out'));
    symlinkSync('../state/openclaw.json', machine('workspace', 'across'));
    await restore(await make());
    for (const path of [...left, 'workspace/out', 'workspace/across']) expect(existsSync(target(path))).toBe(false);
    expect(existsSync(target('workspace', 'logs', 'kept.md'))).toBe(true);
  });

  it.each<[string, Entry]>([
    ['a step up', { name: 'workspace/../../evil', text: 'x' }],
    ['an absolute path', { name: '/evil', text: 'x' }],
    ['another folder', { name: 'config/openclaw.json', text: '{}' }],
    ['a link that leads out', { name: 'workspace/out', type: 'symlink', linkname: '../../etc' }],
    ['a hard link', { name: 'workspace/hard', type: 'link', linkname: 'state/x' }],
    ['a device', { name: 'workspace/zero', type: 'character-device' }],
  ])('is refused when it holds %s', async (_what, entry) => {
    await expect(restore(await forge([entry]))).rejects.toMatchObject({ code: 'invalid' });
    expect(existsSync(join(root, 'evil'))).toBe(false);
  });

  it('is refused when it writes through a link of its own', async () => {
    const entries: Entry[] = [
      { name: 'workspace/a/', type: 'directory' },
      { name: 'workspace/b', type: 'symlink', linkname: 'a' },
      { name: 'workspace/b/file', text: 'x' },
    ];
    await expect(restore(await forge(entries))).rejects.toThrow('lies behind a link');
  });

  it('is refused when it is not complete, or too large', async () => {
    const entry = { name: 'workspace/file', text: 'x'.repeat(10_000) };
    await expect(restore(await forge([entry], { entries: 2 }))).rejects.toThrow('it is not complete');
    rmSync(target('workspace', 'file'), { force: true });
    mkdirSync(target('workspace'), { recursive: true });
    const whole = await make();
    await expect(restore(whole.subarray(0, whole.length - 3_000))).rejects.toThrow();
    await expect(restore(await forge([entry]), { bytes: 9_999, entries: 10 })).rejects.toThrow('it is too large');
    await expect(restore(await forge([entry, { name: 'state/b' }]), { bytes: 1e6, entries: 1 })).rejects.toThrow('it is too large');
  });

  it('is not sent when a secret of the agent’s comes by, however it is cut', async () => {
    for (const cut of [1, 5, 40]) {
      const text = Buffer.from(`a note with the-secret-of-the-agent in it and more`);
      const chunks = Array.from({ length: Math.ceil(text.length / cut) }, (_, at) => text.subarray(at * cut, (at + 1) * cut));
      const scan = refuseSecrets({ 'model/apiKey': 'the-secret-of-the-agent' });
      await expect(pipeline(Readable.from(chunks), scan, new PassThrough().resume())).rejects.toThrow('holds its secret model/apiKey');
    }
    const clean = refuseSecrets({ 'model/apiKey': 'the-secret-of-the-agent' });
    await expect(pipeline(Readable.from([Buffer.from('nothing')]), clean, new PassThrough().resume())).resolves.toBeUndefined();
  });
});
