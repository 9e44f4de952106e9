import { PlaneError, toMessage } from '../../../functions/core/errors.ts';
import type { Errand } from '../errands.ts';
import { awaitStart, readId, type Scene } from './scene.ts';

const transferMs = 30 * 60_000;

/** `2026.9.6` against `2026.10.1-beta.2`, by their numbers alone. */
export function isNewer(version: string, than: string): boolean {
  const numbers = (text: string): number[] => (text.match(/\d+/g) ?? []).slice(0, 3).map(Number);
  const [a, b] = [numbers(version), numbers(than)];
  const at = a.findIndex((number, index) => number !== (b[index] ?? 0));
  return at >= 0 && (a[at] ?? 0) > (b[at] ?? 0);
}

/** Puts the workspace and state of an archive in the place of the living ones; on any failure those are back. */
export const createRestore =
  (scene: Scene): Errand =>
  async (args, signal) => {
    const { folder, agent, swap, gateway, openclaw, program, session } = scene;
    const id = readId(args, 'backupId');
    try {
      const { unpackArchive } = await import('../archive/transfer.ts');
      const target = await swap.makeFresh();
      const archiving = { folder, agent, openclaw: openclaw.current(), program };
      let madeUnder = '';
      const { status } = await session.call(`/agent/backups/${id}`, {
        sink: async (body) => void (madeUnder = await unpackArchive(archiving, target, body, signal)),
        timeoutMs: transferMs,
        signal,
      });
      if (status !== 200) throw new PlaneError('unavailable', `cannot restore backup ${id}: the plane answers ${status}`);
      const { version } = openclaw.current();
      if (isNewer(madeUnder, version)) {
        const fact = `it was made under OpenClaw ${madeUnder} and this is ${version}`;
        throw new PlaneError('preconditionFailed', `cannot restore backup ${id}: ${fact}; upgrade first`);
      }
      await gateway.halt();
      try {
        await swap.swapIn();
        gateway.start();
        await awaitStart(gateway, signal);
      } catch (error) {
        await gateway.halt();
        await swap.swapBack();
        throw new PlaneError('preconditionFailed', `${toMessage(error)}; what was there before is back`, { cause: error });
      } finally {
        gateway.start();
      }
      await swap.settle();
      return `backup ${id} is restored`;
    } finally {
      await swap.dropFresh();
    }
  };
