import { hash } from 'node:crypto';
import type { ChangeDeps } from '../../functions/core/agents.ts';
import { createCredentials } from '../../functions/core/credentials.ts';
import { createListings, createParts, type Introduction } from '../../functions/core/parts.ts';
import { createPass } from '../../functions/core/pass.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import type { Wake } from '../../functions/core/schedule.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';
import { maxLagMs, type Cloud } from './cloud.ts';
import { createProviderPorts, type EffectWatch } from './provider-ports.ts';
import { alive, never, resume, watchLooks, type Session, type Stage } from './session.ts';
import { createStorePort, type CommitWatch, type Memory } from './store-port.ts';

export const planeId = 'acme';
export const egress = { default: 'restricted', allowedDomains: ['model.acme.test'] } as const;
export const times = {
  effectMs: 10_000,
  leaseMs: 30_000,
  observeMs: 8_000,
  runMs: 120_000,
  waitMs: 3_000,
  resyncMs: 300_000,
  minuteMs: 60_000,
} as const;

const sha256 = (text: string): string => hash('sha256', text, 'hex');
export const hashing = { sha256 };
export const signer = {
  keyId: 'simulated',
  sign: (text: string) => sha256(`sign ${text}`),
  verify: (text: string, signature: string) => signature === sha256(`sign ${text}`),
};
export const tokenKey = { mac: (text: string) => sha256(`mac ${text}`).slice(0, 16), equal: (a: string, b: string) => a === b };
export const log = { info: () => undefined, warn: () => undefined };

export interface WiringDeps {
  readonly stage: Stage;
  readonly documents: Memory;
  readonly cloud: Cloud;
  readonly watch: CommitWatch & EffectWatch;
  /** Introductions that were sent, by key. */
  readonly mailbox: Map<string, string>;
  readonly wake: () => Wake;
  readonly resyncMs?: number;
}

export type Change = ChangeDeps;

/** The core as each run of each process has it: over ports of its own, so that the invariants know who did what. */
export function createWiring({ stage, documents, cloud, watch, mailbox, wake, resyncMs = times.resyncMs }: WiringDeps) {
  const { clock, random } = stage;

  return function wire(session: Session) {
    const store = createStorePort(session, documents, watch, stage);
    const providers = createProviderPorts(session, cloud, watch, stage);
    const credentials = createCredentials({ key: tokenKey, store, clock });
    const introduction: Introduction = {
      send: (_agent, text, key, ctx) => {
        if (!alive(session)) return never();
        if (ctx.signal.aborted) return Promise.reject(new Error('no time left to send mail'));
        return new Promise((resolve, reject) => {
          if (!random.chance(stage.faults.error) && !mailbox.has(key)) mailbox.set(key, text ?? 'plain');
          const settle =
            mailbox.has(key) && !random.chance(stage.faults.lost) ? resolve : () => reject(new Error('the mail server refuses'));
          resume(stage, session, clock.now() + random.between(1, 40), settle);
        });
      },
    };
    const { effectMs, waitMs, leaseMs, observeMs } = times;
    const createPartsOf = createParts({ providers, store, clock, credentials, egress, introduction, effectMs, waitMs });
    const partsOf = (agent: AgentRecord) => createPartsOf(agent).map((part) => watchLooks(part, session, agent));
    const listings = createListings(providers, planeId);
    const change: Change = { store, clock, hashing, wake: wake() };
    const pass = createPass({
      ...{ ...change, log, signer, partsOf, listings, leaseMs, observeMs, resyncMs },
      holder: session.worker.name,
      lagMs: maxLagMs,
      restart: (agentId: string, ctx: Ctx): Promise<void> => providers.infra.restart(agentId, ctx),
    });
    return { store, listings, change, pass };
  };
}
