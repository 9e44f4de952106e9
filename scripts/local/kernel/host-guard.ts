import { toMessage } from '../../../functions/core/errors.ts';
import type { Tally } from '../../../functions/core/notes.ts';
import type { Json, Log } from '../../../functions/core/surroundings.ts';
import type { RefusedCall } from './audit-records.ts';
import { raiseMetadataWall, type MetadataWall } from './metadata-wall.ts';
import { watchRefusedCalls } from './refused-calls.ts';

export interface HostGuardOptions {
  readonly root: string;
  /** The plane's own name on this host: letters and digits. */
  readonly instance: string;
  readonly planeId: string;
  /** The users that agents of any plane of this host may get. */
  readonly uids: { readonly first: number; readonly last: number };
  /** Which agent of this plane has which user now. */
  readonly agents: () => readonly { readonly agentId: string; readonly uid?: number }[];
  readonly tally: Tally;
  readonly log: Log;
}

export interface HostGuard {
  stop(): Promise<void>;
}

const knocksMs = 10_000;
/** For how long the list of agents is taken as it was read, in milliseconds. */
const listMs = 1_000;

/** What every OpenClaw does and is refused without harm; each with its reason. */
const harmless: readonly ((call: RefusedCall) => boolean)[] = [
  // libuv asks whether a file can be polled; the kernel says so by EPERM.
  ({ call }) => call === 'epoll_ctl',
];

/**
 * What the kernel of an embedded plane's host does for it beside Unix permissions: it closes metadata addresses to agents, and what it
 * refuses them comes to their audit chains. Where it cannot, one line each says so, and the plane runs without.
 */
export async function guardHost({ root, instance, planeId, uids, agents, tally, log }: HostGuardOptions): Promise<HostGuard> {
  let known: ReadonlyMap<number | undefined, string> = new Map();
  let readAt = -Infinity;
  function agentOf(uid: number): string | undefined {
    const now = performance.now();
    if (now - readAt > listMs) {
      known = new Map(agents().map(({ agentId, uid: own }) => [own, agentId]));
      readAt = now;
    }
    return known.get(uid);
  }
  const notes = new Set<Promise<void>>();
  function note(writing: Promise<void>): void {
    const noted = writing
      .catch((error: unknown) => log.warn('cannot note a refusal', { error: toMessage(error) }))
      .finally(() => void notes.delete(noted));
    notes.add(noted);
  }
  function tell(uid: number, target: string, detail: Json): void {
    try {
      // Agents of other planes have users of the same range: those planes tell of them.
      const agentId = agentOf(uid);
      if (agentId === undefined) return;
      note(tally({ agentId }, { actor: { kind: 'agent', id: agentId }, action: 'kernel.refused', target, detail }));
    } catch (error) {
      log.warn('cannot note a refusal', { error: toMessage(error) });
    }
  }

  const calls = await watchRefusedCalls({
    ...{ root, instance, uids, log },
    heard(call) {
      if (harmless.some((isHarmless) => isHarmless(call))) return;
      const target = call.object === undefined ? call.call : `${call.call} ${call.object}`;
      tell(call.uid, target, { error: call.error, program: call.program });
    },
    over: (uid, count) => tell(uid, 'more calls in a second than are told one by one', { calls: count }),
    lost() {
      note(tally({ planeId }, { actor: { kind: 'plane', id: planeId }, action: 'kernel.unheard', target: 'refused calls' }));
    },
  }).catch((error: unknown) => log.warn(`what the kernel refuses to agents does not come to the audit log here: ${toMessage(error)}`));

  const wall = await raiseMetadataWall({ instance, uids }).catch((error: unknown) =>
    log.warn(`nothing closes a cloud's metadata address to agents here: ${toMessage(error)}`),
  );
  async function hearKnocks(from: MetadataWall): Promise<void> {
    for (const { uid, address, packets } of await from.knocks()) tell(uid, `reach ${address}`, { by: 'firewall', packets });
  }
  let hearing = Promise.resolve();
  const timer = setInterval(() => {
    if (wall) hearing = hearing.then(() => hearKnocks(wall)).catch((error: unknown) => log.warn(toMessage(error)));
  }, knocksMs);
  timer.unref();

  return {
    async stop() {
      clearInterval(timer);
      await hearing;
      const ended = await Promise.allSettled([calls?.stop(), wall && hearKnocks(wall).then(() => wall.remove())]);
      for (const end of ended) if (end.status === 'rejected') log.warn(toMessage(end.reason));
      await Promise.all(notes);
    },
  };
}
