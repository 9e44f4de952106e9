import { PlaneError, toMessage } from '../../../functions/core/errors.ts';
import type { Errand } from '../errands.ts';
import { dropFresh, makeFresh, settle, swapBack, swapIn } from '../swap.ts';
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
    const { habitat, gateway, openclaw, program, session } = scene;
    const id = readId(args, 'backupId');
    try {
      const { unpackArchive } = await import('../archive/transfer.ts');
      const target = await makeFresh(habitat);
      const archiving = { folder: habitat.folder, uid: habitat.uid, openclaw: openclaw.current(), program };
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
        swapIn(habitat);
        gateway.start();
        await awaitStart(gateway, signal);
      } catch (error) {
        await gateway.halt();
        swapBack(habitat);
        throw new PlaneError('preconditionFailed', `${toMessage(error)}; what was there before is back`, { cause: error });
      } finally {
        gateway.start();
      }
      settle(habitat);
      return `backup ${id} is restored`;
    } finally {
      await dropFresh(habitat);
    }
  };
