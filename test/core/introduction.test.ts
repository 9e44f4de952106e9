import { createCredentials } from '../../functions/core/credentials.ts';
import { createParts, introductionPatienceMs } from '../../functions/core/parts.ts';
import { planPart } from '../../functions/core/part.ts';
import type { AgentRecord, HeartbeatRecord } from '../../functions/core/records.ts';
import { createTokenKey } from '../../functions/keys.ts';
import { createInstantProviders } from '../../scripts/scale/instant-providers.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

const agent = {
  agentId: 'aaaaaaaaaaaaaaaa',
  planeId: 'acme',
  incarnation: 1,
  enabledAt: 1_000,
  spec: { machineType: 'e2-medium', diskSizeGb: 20, region: 'local' },
} as AgentRecord;
const owner = { planeId: 'acme', agentId: agent.agentId };
const ctx = { signal: new AbortController().signal, log: { info: () => undefined, warn: () => undefined } };

function openWorld() {
  let now = agent.enabledAt;
  const sent: (string | undefined)[] = [];
  const store = createMemoryStore();
  const clock = { now: () => now, deadline: () => ctx.signal };
  const partsOf = createParts({
    ...{ store, clock, effectMs: 1, waitMs: 1 },
    providers: createInstantProviders('acme'),
    credentials: createCredentials({ key: createTokenKey(Buffer.alloc(32)), store, clock }),
    egress: { default: 'restricted', allowedDomains: [] },
    introduction: { send: async (_agent, text) => void sent.push(text) },
  });
  const part = () => {
    const found = partsOf(agent).find(({ name }) => name === 'introduction');
    if (!found?.apply) throw new Error('there is no introduction');
    return { ...found, apply: found.apply };
  };
  return {
    ...{ sent, store },
    at: (ms: number) => void (now = agent.enabledAt + ms),
    pass: async () => {
      const { apply, ...rest } = part();
      const step = planPart({ ...rest, apply }, await rest.observe(ctx), owner);
      if (step.verb === 'apply') await apply(step.changes, ctx);
      return step.verb;
    },
  };
}

const heartbeat = (fields: Partial<HeartbeatRecord>): HeartbeatRecord => ({
  ...{ agentId: agent.agentId, incarnation: 1, at: 0, revision: 1, live: true, ready: true, boot: 1 },
  ...fields,
});

describe('the introduction', () => {
  it('sends what the agent wrote, once', async () => {
    const { pass, store, sent } = openWorld();
    expect(await pass()).toBe('wait');
    await store.transact(async (tx) => tx.set('heartbeats', agent.agentId, heartbeat({ introduction: 'Hello Alice' })));
    expect(await pass()).toBe('apply');
    expect(await pass()).toBe('none');
    expect(sent).toEqual(['Hello Alice']);
  });

  it('sends a plain one when the agent has written none after four minutes (REQ-UX-02)', async () => {
    const { pass, at, sent } = openWorld();
    at(introductionPatienceMs - 1);
    expect(await pass()).toBe('wait');
    at(introductionPatienceMs);
    expect(await pass()).toBe('apply');
    expect(await pass()).toBe('none');
    expect(sent).toEqual([undefined]);
  });

  it('does not take the words of a former incarnation for this one', async () => {
    const { pass, store, sent } = openWorld();
    await store.transact(async (tx) => tx.set('heartbeats', agent.agentId, heartbeat({ introduction: 'Old', incarnation: 0 })));
    expect(await pass()).toBe('wait');
    expect(sent).toEqual([]);
  });
});
