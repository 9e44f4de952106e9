import { writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { PlanChange } from '../../shared/contract.ts';
import { modelTiers } from '../../shared/agent.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import { command, type Call } from './command.ts';
import { readDocument, toPlane } from './create.ts';
import { exitCodes } from './exit-codes.ts';
import { choice, on, text, type Values } from './flags.ts';
import { formats, show } from './output.ts';
import { isEmpty, toPlanText } from './plan-text.ts';
import { plane, policyFlags, saidOnly, scopeFlags, toMatch, toPolicySpec } from './said.ts';

const flags = {
  plane,
  file: text('-f, --file <file>', 'a planes.yaml'),
  policy: on('--policy', 'an edit of one policy layer, said by the flags below (may be left out)'),
  user: text('--user <user>', 'an edit for one person: their address or id'),
  ...scopeFlags,
  ...policyFlags,
  moveFrom: choice('--move-from <tier>', 'with --move-to: only those who have this tier', modelTiers),
  moveTo: choice('--move-to <tier>', 'move people to another tier', modelTiers),
  removePolicy: on('--remove-policy', 'take the layer away'),
  out: text('-o, --output <file>', `keep the plan for \`planes apply <file>\`; or answer as one of ${formats.join(', ')}`),
} as const;
type Said = Values<typeof flags>;

function userChange(userKey: string, said: Said): PlanChange {
  const { enabled, modelTier, budgetCap, tools, channels } = said;
  const agentEnabled = enabled === undefined ? undefined : enabled === 'yes';
  const requests = saidOnly({ agentEnabled, modelTier, budgetCap, tools: tools && [...tools], channels: channels && [...channels] });
  return { kind: 'user', userKey, requests };
}

async function policyChange({ client }: Call, planeId: string, said: Said): Promise<PlanChange> {
  const match = toMatch(said);
  if (said.removePolicy) return { kind: 'policy', match, spec: null };
  const { definition } = await client('getPlane', { params: { planeId } });
  const before = definition.spec.policies.find((layer) => isDeepStrictEqual(layer.match, match))?.spec ?? {};
  const spec = toPolicySpec(said, before);
  if (isDeepStrictEqual(spec, before)) {
    throw new PlaneError('invalid', 'cannot plan: no edit was named, or the layer says so already; say for example --budget-cap 100');
  }
  return { kind: 'policy', match, spec };
}

/** What the flags ask for, and of which plane. */
async function toChange(call: Call, said: Said): Promise<{ planeId: string; change: PlanChange }> {
  if (said.file !== undefined) {
    const definition = toPlane(readDocument(said.file, 'name a planes.yaml with -f'), said.file);
    return { planeId: definition.metadata.name, change: { kind: 'definition', definition } };
  }
  const planeId = await call.planeOf(said.plane);
  if (said.user !== undefined) return { planeId, change: userChange(said.user, said) };
  if (said.moveTo !== undefined) {
    const from = said.moveFrom === undefined ? {} : { from: said.moveFrom };
    return { planeId, change: { kind: 'tier', match: toMatch(said), ...from, to: said.moveTo } };
  }
  return { planeId, change: await policyChange(call, planeId, said) };
}

export const plan = command({
  path: 'plan',
  summary: 'show what a change would do to every agent, and change nothing',
  flags,
  examples: [
    'planes plan -f planes.yaml -o plan.json',
    'planes plan --ou /Sales --budget-cap 100 --limit-tools email,crm',
    'planes plan --organization --move-from sonnet --move-to opus',
    'planes plan --user alice@acme.test --tools exec,github',
  ],
  async run(call, said) {
    const { client, output, say } = call;
    const { planeId, change } = await toChange(call, said);
    const made = await client('createPlan', { params: { planeId }, body: { change } });
    const file = said.out !== undefined && !formats.some((format) => format === said.out) ? said.out : undefined;
    if (file !== undefined) writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`);
    const apply =
      isEmpty(made) || made.refusals.length > 0 ? [] : [`To do it: planes apply ${file ?? `--plan ${made.id} --plane ${planeId}`}`];
    if (file !== undefined && output.format !== 'table') say(apply.join('\n'));
    show(output, made, () => [toPlanText(made), ...apply].join('\n'));
    return made.refusals.length > 0 ? exitCodes.failed : exitCodes.done;
  },
});
