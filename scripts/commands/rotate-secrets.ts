import { command } from './command.ts';
import { fleetFlags, operate } from './fleet-flags.ts';

export const rotateSecrets = command({
  path: 'rotate-secrets',
  summary: 'give agents new secrets, with no secret shown: all of a plane, or those that are named',
  flags: fleetFlags,
  ...{ changes: true, watches: true },
  run: (call, said) => operate(call, said, { kind: 'rotateSecrets' }),
});
