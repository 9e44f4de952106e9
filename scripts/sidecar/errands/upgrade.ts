import { join } from 'node:path';
import { PlaneError, toMessage } from '../../../functions/core/errors.ts';
import { undoneMark } from '../../../shared/sidecar-names.ts';
import type { Errand } from '../errands.ts';
import { findConfigFault } from '../openclaw-cli.ts';
import { perform } from '../as-agent.ts';
import { createBackup } from './backup.ts';
import { awaitStart, provePrompt, readId, type Scene } from './scene.ts';

/**
 * Runs another version of OpenClaw on a copy of the state: a backup first, the config accepted by the new one, and a prompt
 * answered, or the former version is back with the state that it had.
 */
export const createUpgrade =
  (scene: Scene): Errand =>
  async (args, signal) => {
    const { folder, agent, swap, gateway, openclaw } = scene;
    const former = openclaw.current();
    const next = openclaw.find(readId(args, 'version'));
    if (next.version === former.version) return `OpenClaw ${next.version} is in force already`;
    await createBackup(scene)(args, signal);
    const fault = await findConfigFault(next, { folder, agent });
    if (fault !== undefined)
      throw new PlaneError('preconditionFailed', `cannot upgrade OpenClaw to ${next.version}: it refuses its configuration: ${fault}`);
    try {
      await gateway.halt();
      try {
        const target = await swap.makeFresh();
        await perform(agent, ['cp', '-a', '--', join(folder, 'state'), target], '', signal);
        await swap.swapIn();
        openclaw.use(next);
        gateway.start();
        await awaitStart(gateway, signal);
        await provePrompt(scene, signal);
      } catch (error) {
        await gateway.halt();
        openclaw.use(former);
        await swap.swapBack();
        const fact = `cannot upgrade OpenClaw to ${next.version}: ${toMessage(error)}`;
        throw new PlaneError('preconditionFailed', `${fact}; ${former.version} ${undoneMark}`, { cause: error });
      } finally {
        gateway.start();
      }
      // The version first: with the new state and the old version a later start would break, the other way round it would not.
      openclaw.keep();
      await swap.settle();
      return `OpenClaw ${next.version} is in force`;
    } finally {
      await swap.dropFresh();
    }
  };
