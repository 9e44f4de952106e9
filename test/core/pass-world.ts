import { createCredentials } from '../../functions/core/credentials.ts';
import type { DriftPolicy } from '../../functions/core/drift.ts';
import { createListings, createParts } from '../../functions/core/parts.ts';
import { createPass, type PassDeps } from '../../functions/core/pass.ts';
import type { Providers } from '../../functions/core/providers.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import type { Store } from '../../functions/core/store.ts';
import { createTokenKey, nodeHashing } from '../../functions/keys.ts';
import { toAgent } from '../backup/world.ts';
import { createInstantProviders } from '../../scripts/scale/instant-providers.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { createHandClock } from '../wake/loopback.ts';

export const agentId = 'aaaaaaaaaaaaaaaa';
export const lagMs = 5_000;

export interface PassWorldOptions {
  readonly retained?: PassDeps['retained'];
  readonly wrap?: (store: Store) => Store;
  readonly drifts?: DriftPolicy;
}

/** One agent over instant providers, which a test may break by hand; time passes by hand. */
export async function openPassWorld(options: PassWorldOptions = {}) {
  const { retained, drifts, wrap = (each) => each } = options;
  const store = createMemoryStore();
  const clock = createHandClock();
  const providers: Providers = createInstantProviders('acme');
  const key = createTokenKey(Buffer.alloc(32));
  const partsOf = createParts({
    ...{ store, clock, providers, effectMs: 1_000, waitMs: 1_000 },
    credentials: createCredentials({ key, store, clock }),
    egress: { default: 'restricted', allowedDomains: [] },
    introduction: { send: async () => undefined },
  });
  const pass = createPass({
    ...{ clock, hashing: nodeHashing, partsOf, lagMs, observeMs: 1_000, leaseMs: 30_000, resyncMs: 60_000, holder: 'test' },
    store: wrap(store),
    log: { info: () => undefined, warn: () => undefined },
    wake: { wake: () => undefined, flush: async () => undefined },
    signer: { keyId: 'test', sign: () => 'signed', verify: () => true },
    listings: createListings(providers, 'acme'),
    restart: async () => undefined,
    ...(retained ? { retained } : {}),
    ...(drifts ? { driftPolicyOf: () => drifts } : {}),
  });
  let agent = toAgent(agentId, { enabledAt: clock.now() });
  const write = async (change: Partial<AgentRecord>): Promise<void> => {
    agent = { ...agent, ...change, revision: agent.revision + 1, changedAt: clock.now() };
    await store.transact(async (tx) => tx.set('agents', agentId, agent));
  };
  const step = () => pass(agentId, new AbortController().signal);
  await write({});
  await step();
  return {
    ...{ store, clock, providers, write, step },
    status: () => store.peek('statuses', agentId),
    lease: () => store.peek('leases', agentId),
    drift: () => store.peek('drifts', agentId),
    remove: () => write({ desired: 'removed', reason: 'suspended', removal: { askedAt: clock.now(), reason: 'suspended' } }),
    /** Passes until there is nothing more to do, or so many were made. */
    async settle(most = 20): Promise<void> {
      for (let passes = 0; passes < most; passes += 1) {
        const delayMs = await step();
        if (delayMs === undefined) return;
        clock.pass(delayMs);
      }
    },
  };
}
