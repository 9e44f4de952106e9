import { command } from './command.ts';
import { exitCodes } from './exit-codes.ts';
import { show, toTable } from './output.ts';
import { plane } from './said.ts';

export const diagnose = command({
  path: 'diagnose',
  summary: 'check whether everything a plane needs is there, and say what to do where not',
  flags: { plane },
  async run({ client, output, planeOf }, { plane: named }) {
    const answer = await client('diagnose', { params: { planeId: await planeOf(named) } });
    const { checks, versions } = answer;
    show(output, answer, () => {
      const rows = checks.map(({ name, state, detail, remedy }) => [name, state, [detail, remedy].filter(Boolean).join('; ')]);
      const openclaw = versions.openclaw.map(({ version, agents }) => `${version} on ${agents}`).join(', ') || 'on no machine yet';
      return `${toTable(['CHECK', 'STATE', 'DETAIL'], rows)}\nAgents Plane ${versions.plane}; OpenClaw ${openclaw}`;
    });
    return checks.some(({ state }) => state === 'failed') ? exitCodes.broken : exitCodes.done;
  },
});
