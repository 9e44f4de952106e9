import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../functions/config.ts';
import { openFolders } from '../../scripts/local/folders.ts';

let above: string;
beforeEach(() => {
  above = mkdtempSync(join(tmpdir(), 'agents-plane-folders-'));
  chmodSync(above, 0o755);
});
afterEach(() => rmSync(above, { recursive: true }));

function open(dataDir: string) {
  const config: Config = {
    ...{ port: 1, users: 1, upstream: { maker: 'stand-in' }, separateUsers: true, dataDir },
    ...{ cacheDir: join(above, 'cache'), keysDir: join(above, 'keys'), hostDir: join(above, 'host') },
  };
  return openFolders(config);
}
const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

function folder(name: string, mode: number): string {
  const path = join(above, name);
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}

describe('the data folder', () => {
  it('is made, passable for agents and readable for nobody else', () => {
    const data = join(above, 'new/data');
    expect(() => open(data)).not.toThrow();
    expect(modeOf(data)).toBe('711');
  });

  it('is found again under the same name', () => {
    const data = join(above, 'data');
    const first = open(data);
    expect(open(data)).toEqual(first);
    expect(first.keys).toContain(readFileSync(join(data, 'instance'), 'utf8').trim());
  });

  it('is refused when it holds something else, which stays as it is', () => {
    const data = folder('tmp', 0o1777);
    writeFileSync(join(data, 'letter'), 'of somebody else');
    expect(() => open(data)).toThrow(
      `cannot keep data in ${data}: the folder holds something else; choose an empty or a new one with --data`,
    );
    expect(modeOf(data)).toBe('1777');
    expect(existsSync(join(data, 'instance'))).toBe(false);
  });

  it('keeps the mode of an empty folder that all users share, now and later', () => {
    const data = folder('shared', 0o1777);
    for (let start = 1; start <= 2; start++) {
      open(data);
      expect(modeOf(data)).toBe('1777');
    }
  });

  it('keeps machines where they are from one start to the next', () => {
    const data = folder('closed', 0o700);
    const { machines } = open(data);
    expect(machines).toBe(join(data, 'machines'));
    expect(open(data).machines).toBe(machines);
  });

  it('is taken up again after a crash in the first start', () => {
    const data = folder('draft', 0o700);
    writeFileSync(join(data, '.instance.0123456789ab.tmp'), '');
    expect(open(data).data).toBe(data);
  });
});
