import { appendFileSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createReadCount } from '../../scripts/sidecar/read-count.ts';

describe('what a sidecar counts for the audit log', () => {
  let folder: string;
  let log: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'read-count-'));
    log = join(folder, 'gateway.log');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const reader = {
    names: async () => ['model/apiKey'],
    async read(names: readonly string[]) {
      if (names.includes('gone')) throw new Error('there is none');
      return Object.fromEntries(names.map((name) => [name, 'the value']));
    },
  };

  it('is who read which name how often, without a value, and nothing that was not given (REQ-SEC-05)', async () => {
    const count = createReadCount(7, log);
    const [agent, sidecar] = [count.of('agent', reader), count.of('sidecar', reader)];
    await agent.read(['model/apiKey']);
    await agent.read(['model/apiKey', 'gateway/token']);
    await sidecar.read(['join/1-1']);
    await expect(agent.read(['gone'])).rejects.toThrow('there is none');
    count.refuse();
    expect(count.told()).toEqual({
      since: 7,
      agent: { 'model/apiKey': 2, 'gateway/token': 1 },
      sidecar: { 'join/1-1': 1 },
      refused: { secrets: 1, config: 0 },
    });
    expect(JSON.stringify(count.told())).not.toContain('the value');
  });

  it('is how often OpenClaw refused a change of its config since the sidecar came up, also when the log is cut', () => {
    const refusal = '[gateway] request handler failed: ConfigReadOnlyError: Config is externally managed\n';
    appendFileSync(log, refusal.repeat(3));
    const count = createReadCount(7, log);
    expect(count.told().refused.config).toBe(0);
    appendFileSync(log, `ready\n${refusal.repeat(2)}`);
    expect(count.told().refused.config).toBe(2);
    expect(count.told().refused.config).toBe(2);
    truncateSync(log);
    appendFileSync(log, refusal);
    expect(count.told().refused.config).toBe(3);
  });
});
