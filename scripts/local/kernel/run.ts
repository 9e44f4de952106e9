import { execFile } from 'node:child_process';
import { PlaneError } from '../../../functions/core/errors.ts';
import { hasCode } from '../../../functions/files.ts';

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const packageOf: Readonly<Record<string, string>> = { nft: 'nftables', auditctl: 'auditd', ausyscall: 'auditd', perl: 'perl-base' };

/** Where programs of the system are found; nothing else of the plane's environment goes to them. */
export const systemEnvironment = { PATH: path, LC_ALL: 'C' } as const;

/** Runs a program of the system and answers what it printed; throws `unavailable` with what it said, or with how to get it. */
export function run(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env: systemEnvironment, timeout: 10_000, maxBuffer: 1 << 24 };
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const missing = hasCode(error, 'ENOENT');
      const fact = missing ? 'it is not on this machine' : (stderr.trim().split('\n').at(-1) ?? '').slice(0, 200) || 'it failed';
      const remedy = missing ? `apt-get install ${packageOf[program] ?? program}` : 'check that the plane has every capability of root';
      reject(new PlaneError('unavailable', `cannot run ${program}: ${fact}; ${remedy}`, { cause: error }));
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}
