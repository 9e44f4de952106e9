import { command } from './command.ts';
import { fleetFlags, operate } from './fleet-flags.ts';

export const resume = command({
  path: 'resume',
  summary: 'turn paused agents on again: all of a plane, or those that are named',
  flags: fleetFlags,
  ...{ changes: true, watches: true },
  run: (call, said) => operate(call, said, { kind: 'resume' }),
});
