import { command } from './command.ts';
import { fleetFlags, operate } from './fleet-flags.ts';
import { text } from './flags.ts';

export const pause = command({
  path: 'pause',
  summary: 'turn machines of agents off and keep their disks: all of a plane, or those that are named',
  flags: { ...fleetFlags, reason: text('--reason <text>', 'why, for their owners and the audit log') },
  ...{ changes: true, watches: true },
  run: (call, said) => operate(call, said, { kind: 'pause', ...(said.reason === undefined ? {} : { reason: said.reason }) }),
});
