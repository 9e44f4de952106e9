import { setTimeout as sleep } from 'node:timers/promises';
import type { Assignment, CommandOrder, CommandResult } from '../../shared/sidecar.ts';
import { toMessage } from '../../functions/core/errors.ts';
import type { Log } from '../../functions/core/surroundings.ts';
import type { Journal } from './journal.ts';

/** Does what a command asks for; answers a sentence or the kind's own short answer, and throws the reason why not. */
export type Errand = (args: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<string>;

export interface Errands {
  /** What the heartbeat says: kept until the plane no longer lists the command. */
  readonly results: () => CommandResult[];
  follow(assignment: Pick<Assignment, 'commands'>): void;
  /** Does one command after the other, oldest first, for as long as the machine runs. */
  run(signal: AbortSignal): Promise<void>;
}

export interface ErrandsOptions {
  readonly find: (kind: string) => Errand | undefined;
  readonly journal: Journal;
  readonly changed: () => void;
  readonly log: Log;
}

const idleMs = 250;
const mostResults = 20;
const longestResult = 20_000;
/** How long any command may take, in milliseconds; the plane gives each of them up by itself. */
const patienceMs = 60 * 60_000;

export function createErrands({ find, journal, changed, log }: ErrandsOptions): Errands {
  let orders: readonly CommandOrder[] = [];

  async function perform({ id, kind, args }: CommandOrder, stop: AbortSignal): Promise<void> {
    journal.begin(id);
    const signal = AbortSignal.any([stop, AbortSignal.timeout(patienceMs)]);
    try {
      const errand = find(kind);
      const result = errand ? await errand(args, signal) : undefined;
      if (result === undefined) journal.end(id, { ok: false, result: `this sidecar does not know how to ${kind.slice(0, 40)}` });
      else journal.end(id, { ok: true, result: result.slice(0, longestResult) });
    } catch (error) {
      // Ended by the machine's own end: the journal says at the next start that it is not known.
      if (stop.aborted) return;
      log.warn(`command ${kind} failed`, { error: toMessage(error) });
      journal.end(id, { ok: false, result: toMessage(error).slice(0, longestResult) });
    }
    changed();
  }

  return {
    results: () =>
      orders
        .flatMap(({ id }) => {
          const outcome = journal.find(id)?.outcome;
          return outcome ? [{ id, ...outcome }] : [];
        })
        .slice(0, mostResults),
    follow({ commands }) {
      orders = commands;
    },
    async run(signal) {
      while (!signal.aborted) {
        const next = orders.find(({ id }) => journal.find(id) === undefined);
        if (next) await perform(next, signal);
        else await sleep(idleMs, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}
