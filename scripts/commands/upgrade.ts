import { command } from './command.ts';
import { confirm } from './confirm.ts';
import { fleetFlags, operate, ringFlags, toRings } from './fleet-flags.ts';
import { text } from './flags.ts';

export const upgrade = command({
  path: 'upgrade',
  summary: 'bring agents to another version of OpenClaw, ring by ring; too many failures halt it and bring it back',
  flags: { ...fleetFlags, ...ringFlags, version: text('--version <tag>', 'a published version; the plane\u2019s own unless said') },
  ...{ changes: true, asks: true, watches: true },
  examples: ['planes upgrade --plane acme --canary-ou /Engineering --ring 10%', 'planes upgrade --plane acme --agent alice@acme.test'],
  async run(call, said) {
    if (!call.dryRun) await confirm(call, `upgrade agents of ${await call.planeOf(said.plane)}`);
    return operate(call, said, { kind: 'upgrade', ...(said.version === undefined ? {} : { version: said.version }) }, toRings(said));
  },
});
