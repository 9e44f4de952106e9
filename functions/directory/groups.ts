import type { IdentityProvider } from '../core/providers.ts';
import type { GroupRecord } from '../core/records.ts';
import { makeDue, reviewKey } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import type { Ctx } from '../core/surroundings.ts';
import { mostUnasked as usually } from './approvals.ts';
import { walkKey, type WalkDeps } from './walk.ts';

/** A document of a store holds at most 1 MiB; a user id takes some 24 bytes. */
const chunkSize = 10_000;

/** A membership that no event told of is found within this time, in milliseconds. */
const rereadMs = 50 * 60_000;

const chunkId = (group: string, chunk: number): string => `${group}/${chunk}`;

/** Who was in a group when it was last read; `undefined` before that. */
export async function readMembers(store: Store, group: string): Promise<ReadonlySet<string> | undefined> {
  const chunks = await store.query('groups', 'byGroup', { equals: [group], limit: 500 });
  return chunks.length === 0 ? undefined : new Set(chunks.flatMap(({ members }) => members));
}

/** A group that decides nothing any more is listed anew when it does again. */
export async function forgetMembers(store: Store, group: string): Promise<void> {
  const chunks = await store.query('groups', 'byGroup', { equals: [group], limit: 500 });
  for (const { chunk } of chunks) await store.transact(async (tx) => void tx.delete('groups', chunkId(group, chunk)));
}

async function writeMembers(store: Store, group: string, members: readonly string[], readAt: number): Promise<void> {
  const former = await store.query('groups', 'byGroup', { equals: [group], limit: 500 });
  const count = Math.max(1, Math.ceil(members.length / chunkSize));
  for (let chunk = 0; chunk < Math.max(count, former.length); chunk += 1) {
    const record: GroupRecord = { group, chunk, members: members.slice(chunk * chunkSize, (chunk + 1) * chunkSize), readAt };
    await store.transact(async (tx) => {
      if (chunk < count) tx.set('groups', chunkId(group, chunk), record);
      else tx.delete('groups', chunkId(group, chunk));
    });
  }
}

/**
 * Lists one group that decides something and looks at whoever came or went. More than may go unasked are left to a walk, which
 * counts before it acts. Answers when to list it again, in milliseconds.
 */
export function createGroupLook(
  deps: Pick<WalkDeps, 'store' | 'clock' | 'wake' | 'mostUnasked'> & { readonly identity: Pick<IdentityProvider, 'membersOf'> },
) {
  const { identity, store, clock, wake, mostUnasked = usually } = deps;
  return async function lookAtGroup(group: string, ctx: Ctx): Promise<number> {
    const now = (await identity.membersOf(group, ctx)) ?? [];
    const before = await readMembers(store, group);
    const members = new Set(now);
    const moved = before ? [...now.filter((id) => !before.has(id)), ...[...before].filter((id) => !members.has(id))] : [];
    const keys = moved.length > mostUnasked ? [walkKey] : moved.map(reviewKey);
    // What a walk compares with comes first; should a crash lose the wishes, the next walk finds the difference.
    if (!before || moved.length > 0) await writeMembers(store, group, now, clock.now());
    for (const key of keys) {
      await store.transact(async (tx) => makeDue(tx, key, await tx.get('schedule', key), clock.now()));
      wake.wake(key);
    }
    return rereadMs;
  };
}
