import { channels, largestBudgetUsd, modelTiers, tools } from '../../shared/agent.ts';
import type { PolicySpec } from '../../shared/plane.ts';
import type { Selection } from '../../shared/contract.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import { choice, list, needed, on, text, whole, type Values } from './flags.ts';

/* Flags that several commands share. */

export const plane = text('--plane <name>', 'the plane; may be left out where there is only one');
export const agentFlags = { plane, name: needed('--name <agent>', 'its name, id or owner') } as const;
export const idFlag = text('--id <id>', 'the same as the argument');

/** An object without what was not said. */
export function saidOnly<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

export const selectionFlags = {
  ou: text('--ou <path>', 'an org unit and all below it'),
  group: text('--group <address>', 'members of a group'),
  label: text('--label <key=value>', 'owners with a label, such as department=Sales'),
  agent: list('--agent <names>', 'ids, names or owners; separated by commas, or more than once'),
} as const;

/** The agents that were named; all of them where none were. */
export function toSelection({ ou, group, label, agent }: Values<typeof selectionFlags>): Selection {
  const chosen = saidOnly({ ou, group, label, agents: agent && [...agent] });
  return Object.keys(chosen).length === 0 ? { all: true } : chosen;
}

export const scopeFlags = {
  organization: on('--organization', 'everybody'),
  ou: text('--ou <path>', 'an org unit and all below it'),
  group: text('--group <address>', 'members of a group'),
} as const;

type Match = { organization: true } | { ou: string } | { group: string };
/** The one part of the company that was named. */
export function toMatch({ organization, ou, group }: Values<typeof scopeFlags>): Match {
  const named: Match[] = [
    ...(organization ? [{ organization: true } as const] : []),
    ...(ou === undefined ? [] : [{ ou }]),
    ...(group === undefined ? [] : [{ group }]),
  ];
  const [only] = named;
  if (only && named.length === 1) return only;
  const fact = named.length === 0 ? 'nobody was named' : 'more than one was named';
  throw new PlaneError('invalid', `cannot tell whose policy to change: ${fact}; say one of --organization, --ou or --group`);
}

export const wishFlags = {
  modelTier: choice('--model-tier <tier>', 'the tier of models', modelTiers),
  budgetCap: whole('--budget-cap <dollars>', 'US dollars a month', 0, largestBudgetUsd),
  tools: list('--tools <tools>', 'what it may use', tools),
  channels: list('--channels <channels>', 'where it may be talked to', channels),
} as const;

export const policyFlags = {
  ...wishFlags,
  enabled: choice('--enabled <yes|no>', 'whether these people have an agent', ['yes', 'no']),
  machineType: text('--machine-type <type>', 'such as e2-medium'),
  limitBudgetCap: whole('--limit-budget-cap <dollars>', 'nobody here gets more', 0, largestBudgetUsd),
  limitModelTiers: list('--limit-model-tiers <tiers>', 'no other tiers here', modelTiers),
  limitTools: list('--limit-tools <tools>', 'no other tools here', tools),
  limitChannels: list('--limit-channels <channels>', 'no other channels here', channels),
} as const;

/** What was said about a policy layer, over what the layer said before. */
export function toPolicySpec(said: Values<typeof policyFlags>, before: PolicySpec = {}): PolicySpec {
  const { enabled, modelTier, budgetCap, tools: wanted, channels: open, machineType } = said;
  const values = saidOnly({
    ...{ modelTier, budgetCap, machineType },
    agentEnabled: enabled === undefined ? undefined : enabled === 'yes',
    tools: wanted && [...wanted],
    channels: open && [...open],
  });
  const limits = saidOnly({
    budgetCap: said.limitBudgetCap,
    modelTiers: said.limitModelTiers && [...said.limitModelTiers],
    tools: said.limitTools && [...said.limitTools],
    channels: said.limitChannels && [...said.limitChannels],
  });
  const merged = { ...before.limits, ...limits };
  return { ...before, ...values, ...(Object.keys(merged).length === 0 ? {} : { limits: merged }) };
}
