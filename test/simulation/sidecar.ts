import type { Credentials } from '../../functions/core/credentials.ts';
import { modelKeyName } from '../../shared/sidecar-names.ts';
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
  /** Called with the model key that a machine found beside the version that it now reports. */
  readonly onVersion: (agentId: string, incarnation: number, version: number, modelKey: string | undefined) => void;
}

const heartbeatMs = 60_000;
const retryMs = 4_000;

/** The program beside OpenClaw on every machine: joins with the token it may read, then sends heartbeats, as the door would store them. */
export function createSidecars({ clock, random, cloud, documents, credentials, wake, onVersion }: SidecarDeps): void {
  const now = (): number => clock.now();

  const running = (agentId: string, boot: number) =>
    cloud.machinesOf(agentId).find(([, machine]) => machine.state === 'on' && machine.boot === boot)?.[1];

  /** What a machine's own identity lets it read. */
  function readable(agentId: string): Readonly<Record<string, string>> {
    const principal = cloud.shelves.principals.get(agentId);
    return (principal && cloud.read(principal.id, agentId)) ?? {};
  }

  function joinToken(agentId: string): string | undefined {
    const values = readable(agentId);
    const name = Object.keys(values).find((candidate) => candidate.startsWith('join/'));
    return name === undefined ? undefined : values[name];
  }

  /** The newest version of its secrets that waits for a machine of this incarnation; what was read before stays in force. */
  function versionOf(agentId: string, incarnation: number): string | undefined {
    const values = readable(agentId);
    const prefix = `version/${incarnation}-`;
    const versions = Object.keys(values).flatMap((name) => (name.startsWith(prefix) ? [Number(name.slice(prefix.length))] : []));
    const before = documents.peek('heartbeats', agentId);
    const known = before?.incarnation === incarnation ? before.secretsVersion : undefined;
    if (versions.length === 0) return known;
    const version = Math.max(...versions);
    if (known !== `${incarnation}.${version}`) onVersion(agentId, incarnation, version, values[modelKeyName]);
    return `${incarnation}.${version}`;
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
    const next = (): void =>
      clock.schedule(now() + heartbeatMs, () => beat(agentId, boot, incarnation, count, first && agent.paused !== undefined));
    // Its session is refused, until its machine is off or it is resumed.
    if (agent.paused) return next();
    const secretsVersion = versionOf(agentId, incarnation);
    const introduction = incarnation % 8 === 3 ? {} : { introduction: `hello from ${agentId}` };
    const said = { ...introduction, ...(secretsVersion === undefined ? {} : { secretsVersion }) };
    const document = { agentId, incarnation, at: now(), revision: agent.revision, live: true, ready: true, boot: count, ...said };
    if (first) commitAndWake(agentId, { collection: 'heartbeats', id: agentId, document });
    else void commitAll(documents, [{ collection: 'heartbeats', id: agentId, document }]);
    next();
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
