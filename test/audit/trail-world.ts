import { generateKeyPairSync } from 'node:crypto';
import { createCheckpoints, type AuditSink } from '../../functions/audit/checkpoints.ts';
import { exportTrail } from '../../functions/audit/export.ts';
import { toLines, verifyExport, type ExportVerification } from '../../functions/audit/verify-export.ts';
import { append, agentChain, planeChain, readHead } from '../../functions/core/audit.ts';
import { verifyTrail } from '../../functions/core/audit-trail.ts';
import type { Verification } from '../../functions/core/audit-verify.ts';
import type { Actor } from '../../functions/core/records.ts';
import type { Json } from '../../functions/core/surroundings.ts';
import { createSigner, nodeHashing, readPublicKey } from '../../functions/keys.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';

export interface Deed {
  /** A number or id of an agent, or the plane itself. */
  readonly on: number | string;
  readonly actor: Actor;
  readonly action: string;
  readonly target?: string;
  readonly detail?: Json;
}

export const minuteMs = 60_000;

/** A store with nothing but an audit trail, its checkpoints, and its exports. */
export function openTrail(sink?: AuditSink, store = createMemoryStore()) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const signer = createSigner(privateKey);
  const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  let now = Date.UTC(2026, 0, 5);
  const clock = { now: () => now, deadline: () => new AbortController().signal };
  const hashing = nodeHashing;
  const take = createCheckpoints({ store, clock, hashing, signer, sink });
  const chainOf = (on: Deed['on']): string => (on === 'plane' ? planeChain('acme') : agentChain(typeof on === 'number' ? `a${on}` : on));

  async function write({ on, actor, action, target = 't', detail = null }: Deed, planeId = 'acme'): Promise<void> {
    await store.transact(
      async (tx) => void append(tx, await readHead(tx, chainOf(on), planeId), [{ at: now, actor, action, target, detail }], hashing),
    );
  }
  async function exported(): Promise<Buffer> {
    let text = '';
    for await (const line of exportTrail('acme', now, { store, hashing, signer, publicKeyPem })) text += line;
    return Buffer.from(text);
  }
  return {
    store,
    signer,
    publicKeyPem,
    write,
    exported,
    pass: (ms: number) => void (now += ms),
    now: () => now,
    checkpoint: () => take('acme', clock.deadline()),
    verifyStore: (): Promise<Verification> => verifyTrail(store, 'acme', { hashing, verifier: signer, pause: async () => undefined }),
    verify: (bytes: Uint8Array, pem = publicKeyPem): Promise<ExportVerification> =>
      verifyExport(toLines([bytes]), () => readPublicKey(pem), hashing),
  };
}
export type Trail = ReturnType<typeof openTrail>;

const admin: Actor = { kind: 'user', id: 'ädmin@acme.test', from: '192.0.2.7', requestId: 'r-1' };
const plane: Actor = { kind: 'plane', id: 'worker' };

/** Some chains over some minutes, with what JSON finds hard in them. */
export async function fill(trail: Trail, minutes = 4): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    for (const on of [minute % 3, 'plane', 1] as const) {
      await trail.write({ on, actor: admin, action: 'agent.change', detail: { from: null, to: ['"\\', '\u2028 \ud800', 1e21, 0.1] } });
      await trail.write({ on, actor: plane, action: 'effect.end apply', target: 'Größe', detail: { ok: minute % 2 === 0 } });
    }
    await trail.checkpoint();
    trail.pass(minuteMs);
  }
  await trail.write({ on: 0, actor: plane, action: 'effect.start remove' });
}
