import { planViewSchema } from '../../shared/views-fleet.ts';
import type { PlanView } from '../../shared/contract.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import { command, type Call } from './command.ts';
import { confirm } from './confirm.ts';
import { readDocument, toPlane } from './create.ts';
import { text, whole } from './flags.ts';
import { show } from './output.ts';
import { applyChange, applyPlan } from './plan-apply.ts';
import { plane } from './said.ts';

const again = 'make a new one with `planes plan`';

/** A saved plan, as the plane knows it now. */
async function readSaved({ client }: Call, saved: PlanView): Promise<PlanView> {
  const { planeId, id, hash } = saved;
  const now = await client('getPlan', { params: { planeId, planId: id } });
  if (now.hash !== hash) throw new PlaneError('preconditionFailed', `cannot apply plan ${id}: it is not the plan that was saved; ${again}`);
  return now;
}

function checkOpen({ id, state, reason }: PlanView): void {
  if (state === 'stale') {
    throw new PlaneError('preconditionFailed', `cannot apply plan ${id}: it is stale${reason === null ? '' : `: ${reason}`}; ${again}`);
  }
  if (state === 'applied' || state === 'denied') throw new PlaneError('conflict', `cannot apply plan ${id}: it was ${state}; ${again}`);
}

export const apply = command({
  path: 'apply',
  summary: 'make a plane be what a planes.yaml says, or do what a plan says, if nothing moved since',
  argument: { spec: '[file]', description: 'a planes.yaml, or a plan that `planes plan -o` saved' },
  flags: {
    plane,
    file: text('-f, --file <file>', 'the same as the argument'),
    plan: text('--plan <id>', 'a plan by its id'),
    maxRemovals: whole(
      '--max-removals <agents>',
      'stop when it would remove more agents; the plane\u2019s own bound unless said',
      0,
      1_000_000,
    ),
  },
  ...{ changes: true, asks: true },
  examples: ['planes apply -f planes.yaml', 'planes apply plan.json --yes', 'planes apply -f planes.yaml --dry-run'],
  async run(call, { plane: named, file: flag, plan: id, maxRemovals }, argument) {
    const { client, output, dryRun } = call;
    const terms = maxRemovals === undefined ? {} : { maxRemovals };
    const applyOpen = (plan: PlanView): Promise<number> => {
      checkOpen(plan);
      return applyPlan(call, plan, terms);
    };
    if (id !== undefined) return applyOpen(await client('getPlan', { params: { planeId: await call.planeOf(named), planId: id } }));
    const file = argument ?? flag;
    if (file === undefined)
      throw new PlaneError('invalid', 'cannot tell what to apply: name a planes.yaml with -f, a saved plan, or --plan <id>');
    const document = readDocument(file, 'name a planes.yaml, or a plan that `planes plan -o` saved');
    const saved = planViewSchema.safeParse(document);
    if (saved.success) return applyOpen(await readSaved(call, saved.data));
    const definition = toPlane(document, file);
    const { name } = definition.metadata;
    const { planes } = await client('listPlanes');
    if (planes.some(({ planeId }) => planeId === name)) return applyChange(call, name, { kind: 'definition', definition }, terms);
    if (dryRun) {
      show(output, definition, () => `Would make plane ${name}: there is none of that name yet. Nothing was changed.`);
      return 0;
    }
    await confirm(call, `make plane ${name}, of which there is none yet`);
    const made = await client('createPlane', { body: definition });
    show(output, made, () => `Plane ${name} is there, revision ${made.revision}. \`planes status --plane ${name}\``);
    return 0;
  },
});
