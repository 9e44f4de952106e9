import type { OperationView } from '../../shared/contract.ts';
import type { Call } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { count, show, toTable } from './output.ts';
import { untilAnswered } from './patience.ts';
import { createProgress } from './progress.ts';

const everyMs = 1_000;
/** A plane that is started again is back by then. */
const silentMs = 300_000;
const atWork: readonly OperationView['state'][] = ['running', 'rollingBack'];

const endings: Readonly<Record<OperationView['state'], string>> = {
  running: 'goes on',
  rollingBack: 'goes back',
  halted: 'halted: too many agents failed',
  done: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
  rolledBack: 'rolled back: too many agents failed',
};

/** An operation as people read it. */
export function toOperationText(view: OperationView): string {
  const { id, kind, state, total, done, failed, skipped, rings, failures } = view;
  const counts = `${count(total, 'agent')}: ${done} done, ${failed} failed, ${skipped} skipped, ${view.running + view.waiting} to go`;
  const ringRows = rings.map(({ name, ...ring }) => [name, String(ring.total), String(ring.done), String(ring.failed)]);
  const next = state === 'halted' || state === 'cancelled' ? [`\`planes operations resume ${id}\` goes on with it.`] : [];
  return [
    `${kind} ${id} ${endings[state]}. ${view.sentence}`,
    counts,
    ...(rings.length > 1 ? [toTable(['RING', 'AGENTS', 'DONE', 'FAILED'], ringRows)] : []),
    ...failures.map(({ agentId, ownerEmail, message }) => `  ${agentId} of ${ownerEmail}: ${message}`),
    ...next,
  ].join('\n');
}

const toCode = ({ state }: OperationView): number => (state === 'done' || atWork.includes(state) ? exitCodes.done : exitCodes.failed);

/** Shows an operation: what it would touch, what it was told, or how it ends, with the progress until then. */
export async function follow(call: Call, begun: OperationView): Promise<number> {
  const { client, output, surroundings, say, dryRun, detach } = call;
  if (dryRun) {
    show(output, begun, () => `Would ${begun.kind} ${count(begun.total, 'agent')}. ${begun.sentence}\nNothing was changed.`);
    return exitCodes.done;
  }
  const again = `planes operations watch ${begun.id} --plane ${begun.planeId}`;
  if (detach) {
    show(output, begun, () => `${begun.kind} ${begun.id} has begun on ${count(begun.total, 'agent')}. \`${again}\` shows how it goes.`);
    return exitCodes.done;
  }
  return surroundings.interruptible(async (signal) => {
    const progress = createProgress(surroundings);
    let view = begun;
    while (atWork.includes(view.state)) {
      progress.update(`${view.kind}: ${view.done + view.failed + view.skipped}/${view.total}  ${view.sentence}`);
      await surroundings.sleep(everyMs, signal);
      const params = { planeId: view.planeId, operationId: view.id };
      const seen = signal.aborted
        ? undefined
        : await untilAnswered(() => client('getOperation', { params }), surroundings, signal, {
            mostMs: silentMs,
            waiting: () => progress.update('The plane does not answer; the work goes on when it does.'),
          });
      if (signal.aborted || !seen) {
        progress.end();
        say(`It goes on without this window. To watch it again: ${again}; to stop it: planes operations cancel ${view.id}`);
        return exitCodes.interrupted;
      }
      view = seen;
    }
    progress.end();
    show(output, view, () => toOperationText(view));
    return toCode(view);
  });
}
