import type { Body, PlanChange } from '../shared/contract.ts';
import { tierNames } from './words.ts';

/** What can be done with many agents, each with what it will do. */
export const works = {
  pause: {
    title: 'Pause',
    does: 'Turns their machines off and keeps the disks. They answer nobody until they are resumed; nothing is lost.',
  },
  resume: { title: 'Resume', does: 'Turns their machines on again, with everything they knew.' },
  restart: { title: 'Restart', does: 'Stops OpenClaw on each and starts it again. Each is away for about half a minute.' },
  rotateSecrets: {
    title: 'Rotate secrets',
    does: 'Makes new secrets for each and hands them to its machine. Old ones stop working once the new ones are in use.',
  },
  backup: { title: 'Back up', does: 'Stores an encrypted copy of the workspace and memory of each. They go on working meanwhile.' },
  upgrade: {
    title: 'Upgrade OpenClaw',
    does: 'Backs each up, changes to the version that the plane is set to and tries a prompt. First 5 % of them, then 25 %, then the rest; where too many fail, it goes back.',
  },
} as const satisfies Readonly<Record<string, { readonly title: string; readonly does: string }>>;

export type WorkName = keyof typeof works;
export const isWork = (name: string): name is WorkName => Object.keys(works).includes(name);

type Selection = Body<'createOperation'>['select'];
type Match = Extract<PlanChange, { kind: 'tier' }>['match'];

const scopeParts = /^(ou|group):(.+)$/s;

/** `all`, `ou:/Sales` or `group:x@acme.test`, as an operation selects. */
export function toSelection(scope: string): Selection {
  const [, kind, name = ''] = scopeParts.exec(scope) ?? [];
  if (kind === undefined || (kind === 'ou' && name === '/')) return { all: true };
  return kind === 'ou' ? { ou: name } : { group: name };
}

/** The same, as a policy layer matches. */
export function toMatch(scope: string): Match {
  const [, kind, name = ''] = scopeParts.exec(scope) ?? [];
  if (kind === undefined || (kind === 'ou' && name === '/')) return { organization: true };
  return kind === 'ou' ? { ou: name } : { group: name };
}

export const toOperation = (name: WorkName, scope: string, dryRun: boolean): Body<'createOperation'> => ({
  work: { kind: name },
  select: toSelection(scope),
  ...(name === 'upgrade' ? { rings: [{ percent: 5 }, { percent: 25 }] } : {}),
  dryRun,
});

const isTier = (name: string): name is keyof typeof tierNames => Object.keys(tierNames).includes(name);

/** `undefined` where the form names no tier to move to, or the same twice. */
export function toTierChange(scope: string, from: string, to: string): PlanChange | undefined {
  if (!isTier(to) || from === to) return undefined;
  return { kind: 'tier', match: toMatch(scope), ...(isTier(from) ? { from } : {}), to };
}
