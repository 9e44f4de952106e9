import { PlaneError } from '../../../functions/core/errors.ts';
import type { Errand } from '../errands.ts';
import { toWorkspaceFiles } from '../templates.ts';
import type { Scene } from './scene.ts';

/** Has the agent introduce itself again, with the facts of today; answers the text of the mail. */
export const createIntroduce =
  ({ turn, line, assignment }: Scene): Errand =>
  async (_args, signal) => {
    const text = toWorkspaceFiles(assignment())['BOOTSTRAP.md'];
    if (text === undefined)
      throw new PlaneError('internal', 'cannot have the agent introduce itself: there is no text for it; report this');
    return turn(line(), assignment().agentId, `Your owner is to get your introduction again.\n\n${text}`, signal);
  };
