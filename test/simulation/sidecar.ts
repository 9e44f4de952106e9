import type { Credentials } from '../../functions/core/credentials.ts';
import { makeDue, passKey, type Wake } from '../../functions/core/schedule.ts';
import type { Cloud } from './cloud.ts';
import type { VirtualClock } from './clock.ts';
import type { Random } from './random.ts';
import { commitAll, type Memory, type Write } from './store-port.ts';
import type { Documents } from '../../functions/core/store.ts';

export interface SidecarDeps {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly cloud: Cloud;
  readonly documents: Memory;
  /** Stand on the committed documents themselves: the door is not what is simulated here. */
  readonly credentials: Credentials;
  readonly wake: Wake;
}

const heartbeatMs = 60_000;
const retryMs = 4_000;

/** The program beside OpenClaw on every machine: joins with the token it may read, then sends heartbeats, as the door would store them. */
export function createSidecars({ clock, random, cloud, documents, credentials, wake }: SidecarDeps): void {
  const now = (): number => clock.now();

  const running = (agentId: string, boot: number) =>
    cloud.machinesOf(agentId).find(([, machine]) => machine.state === 'on' && machine.boot === boot)?.[1];

  /** What a machine's own identity lets it read. */
  function joinToken(agentId: string): string | undefined {
    const [namespace, principal] = [cloud.shelves.namespaces.get(agentId), cloud.shelves.principals.get(agentId)];
    if (!namespace || !principal || namespace.grantedTo !== principal.id) return undefined;
    const name = Object.keys(namespace.values).find((candidate) => candidate.startsWith('join/'));
    return name === undefined ? undefined : namespace.values[name];
  }

  function commitAndWake(agentId: string, write: Write): void {
    const writes: Write[] = [write];
    const tx = {
      set: (_collection: 'schedule', id: string, document: Documents['schedule']) =>
        void writes.push({ collection: 'schedule', id, document }),
    };
    makeDue(tx as Parameters<typeof makeDue>[0], passKey(agentId), documents.peek('schedule', passKey(agentId)), now());
    void commitAll(documents, writes).then(() => wake.wake(passKey(agentId)));
  }

  function beat(agentId: string, boot: number, incarnation: number, count: number, first: boolean): void {
    const agent = documents.peek('agents', agentId);
    if (!running(agentId, boot) || agent?.desired !== 'running' || agent.incarnation !== incarnation) return;
    if (documents.peek('joins', agentId)?.count !== count) return;
    const introduction = incarnation % 8 === 3 ? {} : { introduction: `hello from ${agentId}` };
    const document = { agentId, incarnation, at: now(), revision: agent.revision, live: true, ready: true, boot: count, ...introduction };
    if (first) commitAndWake(agentId, { collection: 'heartbeats', id: agentId, document });
    else void commitAll(documents, [{ collection: 'heartbeats', id: agentId, document }]);
    clock.schedule(now() + heartbeatMs, () => beat(agentId, boot, incarnation, count, false));
  }

  async function join(agentId: string, boot: number): Promise<void> {
    const machine = running(agentId, boot);
    if (!machine) return;
    const again = (): void => clock.schedule(now() + retryMs, () => void join(agentId, boot));
    const token = joinToken(agentId);
    if (token === undefined || machine.readyAt > now()) return again();
    const checked = await credentials.check(token, 'join').catch(() => undefined);
    if (!checked) return again();
    const { incarnation } = checked.agent;
    const joined = documents.peek('joins', agentId);
    const count = joined?.incarnation === incarnation ? joined.count : 0;
    if (checked.extra !== count + 1) return again();
    commitAndWake(agentId, { collection: 'joins', id: agentId, document: { agentId, incarnation, count: count + 1, joinedAt: now() } });
    // The answer to a join may be lost: then the token is spent, and the next one must be waiting.
    if (random.chance(0.05)) return again();
    clock.schedule(now() + random.between(500, 6_000), () => beat(agentId, boot, incarnation, count + 1, true));
  }

  cloud.onBoot((agentId) => {
    for (const [, machine] of cloud.machinesOf(agentId))
      if (machine.state === 'on') clock.schedule(machine.readyAt, () => void join(agentId, machine.boot));
  });
}
