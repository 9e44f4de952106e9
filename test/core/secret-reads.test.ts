import { noteReads, restOfReads, type NotedReads } from '../../functions/core/secret-reads.ts';
import type { SecretReads } from '../../shared/sidecar.ts';

const minute = 60_000;
const start = 1_000_000_000_000;
const reads = (model: number, more: Partial<SecretReads> = {}): SecretReads => ({
  since: 1,
  agent: { 'model/apiKey': model },
  sidecar: {},
  refused: { secrets: 0, config: 0 },
  ...more,
});

describe('what the audit trail is told of an agent reading its secrets', () => {
  let before: { secretReads?: SecretReads; notedReads?: NotedReads } | undefined;
  function hear(now: SecretReads | undefined, at: number): [string, unknown][] {
    const { entries, notedReads } = noteReads('a1', before, now, start + at);
    before = { ...(now ? { secretReads: now } : {}), ...(notedReads ? { notedReads } : {}) };
    return entries.map(({ action, detail }) => [action, detail]);
  }
  beforeEach(() => (before = undefined));

  it('is each name with how often it was read, at once and then at most every five minutes (REQ-SEC-05)', () => {
    expect(hear(reads(2, { sidecar: { 'join/1-1': 1 } }), 0)).toEqual([
      ['secret.read', { agent: { 'model/apiKey': 2 }, sidecar: { 'join/1-1': 1 } }],
    ]);
    const sidecar = { 'join/1-1': 1 };
    expect(hear(reads(3, { sidecar }), minute)).toEqual([]);
    expect(hear(reads(4, { sidecar }), 4 * minute)).toEqual([]);
    expect(hear(reads(7, { sidecar }), 5 * minute)).toEqual([['secret.read', { agent: { 'model/apiKey': 5 }, sidecar: {} }]]);
    expect(hear(reads(7, { sidecar }), 11 * minute)).toEqual([]);
  });

  it('counts no read twice when a heartbeat is sent again, and none away when a sidecar begins anew', () => {
    hear(reads(2), 0);
    expect(hear(reads(2), 6 * minute)).toEqual([]);
    hear(reads(9), 6 * minute);
    hear(reads(12), 7 * minute);
    expect(hear(reads(1, { since: 2 }), 8 * minute)).toEqual([['secret.read', { agent: { 'model/apiKey': 3 }, sidecar: {} }]]);
    expect(hear(reads(1, { since: 2 }), 14 * minute)).toEqual([['secret.read', { agent: { 'model/apiKey': 1 }, sidecar: {} }]]);
  });

  it('says what an agent asked for and does not get, at most every minute', () => {
    hear(reads(1), 0);
    expect(hear(reads(1, { refused: { secrets: 1, config: 0 } }), minute)).toEqual([['access.refused', { count: 1 }]]);
    expect(hear(reads(1, { refused: { secrets: 500, config: 2 } }), minute + 1)).toEqual([]);
    expect(hear(reads(1, { refused: { secrets: 500, config: 2 } }), 2 * minute)).toEqual([
      ['access.refused', { count: 499 }],
      ['access.refused', { count: 2 }],
    ]);
  });

  it('leaves what is not told yet for the end of a removal, and nothing of machines that do not count', () => {
    hear(reads(1), 0);
    hear(reads(4), minute);
    expect(restOfReads({ agentId: 'a1', ...before }, start)).toMatchObject([
      { action: 'secret.read', target: 'a1', detail: { agent: { 'model/apiKey': 3 } } },
    ]);
    before = undefined;
    expect(hear(undefined, 0)).toEqual([]);
    expect(restOfReads({ agentId: 'a1' }, start)).toEqual([]);
  });
});
