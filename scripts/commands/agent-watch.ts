import type { AgentView } from '../../shared/contract.ts';
import type { Call } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { untilAnswered } from './patience.ts';
import { createProgress } from './progress.ts';

const everyMs = 1_000;
/** A plane that is started again is back by then. */
const silentMs = 300_000;

/** Follows one agent until it is as wanted; answers it as it then is, or `undefined` after Ctrl-C. */
export async function followAgent(
  { client, surroundings, say }: Call,
  first: AgentView,
  ready: (agent: AgentView) => boolean,
): Promise<AgentView | undefined> {
  return surroundings.interruptible(async (signal) => {
    const progress = createProgress(surroundings);
    let agent = first;
    while (!ready(agent)) {
      progress.update(`${agent.ownerEmail}: ${agent.phase}${agent.detail === null ? '' : `, ${agent.detail}`}`);
      await surroundings.sleep(everyMs, signal);
      const params = { planeId: agent.planeId, agentId: agent.agentId };
      const seen = signal.aborted
        ? undefined
        : await untilAnswered(() => client('getAgent', { params }), surroundings, signal, {
            mostMs: silentMs,
            waiting: () => progress.update('The plane does not answer; the work goes on when it does.'),
          });
      if (signal.aborted || !seen) {
        progress.end();
        say('It goes on without this window; `planes status` shows how far it is.');
        return undefined;
      }
      agent = seen;
    }
    progress.end();
    return agent;
  });
}

export const interrupted = exitCodes.interrupted;
