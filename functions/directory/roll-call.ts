import { errorTable, PlaneError, toMessage } from '../core/errors.ts';
import type { IdentityProvider } from '../core/providers.ts';
import type { Ctx } from '../core/surroundings.ts';
import { createRound, runs, type Pace, type RoundDeps, type Visitor } from './round.ts';

/** The record of `walks` whose `readAt` says when the owners of all agents were last known to be active. */
export const rollCall = 'roll-call';

/** Owners that are asked for at once. */
const atOnce = 8;

/**
 * Reads the whole directory with room for a try that fails before agents are held (see confirmation.ts). Not by a search (`query=`), which would
 * cost less: its index may be 36 hours behind, and shows as active whoever was suspended meanwhile.
 */
const pace: Pace = { periodMs: 8 * 60_000, runMs: 5_000, restMs: 2_000, oldestMs: 10 * 60_000 };

export interface RollCallDeps extends RoundDeps {
  readonly identity: Pick<IdentityProvider, 'listPage' | 'resolveUser'>;
  /** Reads a user again and ends the agents of who is gone. */
  readonly look: (ownerId: string, ctx: Ctx) => Promise<void>;
}

/**
 * Asks whether the owner of every running agent is still there, and has whoever is not looked at before it goes on: so that all of
 * them are known to be there once it is through. It judges nobody by policy; what it cannot read it reads again.
 */
export function createRollCall({ look, ...deps }: RollCallDeps) {
  const { identity } = deps;
  const goOn = createRound(deps);

  /** What Google refuses to show for good must not keep all others waiting. */
  function passOver(ownerId: string, error: unknown, { log }: Ctx): void {
    if (!(error instanceof PlaneError) || errorTable[error.code].retry) throw error;
    log.warn(`cannot tell whether ${ownerId}, who owns an agent, is still there: ${toMessage(error)}; look at their page in the Directory`);
  }

  async function each(ownerIds: readonly string[], ctx: Ctx, ask: (ownerId: string) => Promise<void>): Promise<void> {
    for (let first = 0; first < ownerIds.length; first += atOnce) {
      ctx.signal.throwIfAborted();
      const some = ownerIds.slice(first, first + atOnce);
      await Promise.all(some.map((ownerId) => ask(ownerId).catch((error: unknown) => passOver(ownerId, error, ctx))));
    }
  }

  const visitor: Visitor = {
    async visit({ users, heldBy, missing }, _walk, ctx) {
      const left = users.filter(({ id, active }) => !active && runs(heldBy(id))).map(({ id }) => id);
      await each(left, ctx, (ownerId) => look(ownerId, ctx));
      const sought = [...missing].filter(([, agents]) => runs(agents)).map(([ownerId]) => ownerId);
      await each(sought, ctx, async (ownerId) => {
        // Who was renamed is still there; what follows from it is the walk's.
        const user = await identity.resolveUser(ownerId, ctx);
        if (!user?.active) await look(ownerId, ctx);
      });
    },
    gone: (ownerIds, ctx) => each(ownerIds, ctx, (ownerId) => look(ownerId, ctx)),
    end: async () => undefined,
  };

  // Everybody's access hangs on it.
  return (ctx: Ctx): Promise<number> => goOn(rollCall, pace, visitor, false, { ...ctx, urgent: true });
}
