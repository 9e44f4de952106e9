import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFolderBackups } from '../../functions/backup/folder.ts';
import { backupStoreConformance } from '../conformance/backup-store.ts';

const openFolder = () => {
  const root = mkdtempSync(join(tmpdir(), 'backups-'));
  const dir = join(root, 'backups');
  return { root, dir, store: createFolderBackups({ dir }) };
};

backupStoreConformance('a folder', async () => {
  const { root, dir, store } = openFolder();
  return {
    store,
    async leaveUpload() {
      writeFileSync(join(dir, '.0123456789ab.tmp'), 'half', { mode: 0o600 });
      return 1;
    },
    close: async () => rmSync(root, { recursive: true }),
  };
});

it('keeps a folder of backups for its owner alone', async () => {
  const { root, dir, store } = openFolder();
  const umask = process.umask(0);
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('abc');
    for (const name of readdirSync(dir)) expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600);
  }
  await store.put('acme/a/1', bytes(), { signal: new AbortController().signal, log: { info: () => undefined, warn: () => undefined } });
  process.umask(umask);
  expect(statSync(dir).mode & 0o777).toBe(0o700);
  expect(readdirSync(dir).map((name) => [name, statSync(join(dir, name)).mode & 0o777])).toEqual([['acme%2Fa%2F1', 0o600]]);
  rmSync(root, { recursive: true });
});
