import { run } from '../../../scripts/local/kernel/run.ts';

describe('a program of the system', () => {
  it('answers what it printed, and hears its input', async () => {
    await expect(run('cat', [], 'rules')).resolves.toBe('rules');
  });

  it('is told by name with how to get it where it is missing', async () => {
    const missing = run('no-such-program', ['-s']);
    await expect(missing).rejects.toMatchObject({
      code: 'unavailable',
      message: 'cannot run no-such-program: it is not on this machine; apt-get install no-such-program',
    });
  });

  it('is told with its last words where it fails', async () => {
    await expect(run('sh', ['-c', 'echo first >&2; echo You must be root >&2; exit 4'])).rejects.toThrow(
      'cannot run sh: You must be root; check that the plane has every capability of root',
    );
  });

  it('gets nothing of the environment of the plane', async () => {
    const names = (await run('env', []))
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    expect(names.toSorted()).toEqual(['LC_ALL', 'PATH']);
  });
});
