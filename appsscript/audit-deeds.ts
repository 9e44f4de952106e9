import type { Answer } from '../shared/contract.ts';
import { toFieldTitle, toName, toNames } from './words.ts';

type Row = Answer<'listAudit'>['rows'][number];

/** What the person's page calls fields that are named otherwise elsewhere. */
const fields: Readonly<Record<string, string>> = { toolAllowlist: 'tools', channelRestrictions: 'channels' };

function show(value: unknown, field: string): string {
  if (Array.isArray(value)) return toNames(value.filter((item) => typeof item === 'string'));
  if (field === 'budgetCap' && typeof value === 'number') return `$${String(value)}`;
  return typeof value === 'string' ? toName(value) : String(value);
}

/** `set Carol Chen’s budget from $50 to $100`: from what held before, whoever had said so. */
function toDeed(change: unknown, whose: string): string[] {
  if (typeof change !== 'object' || change === null || !('field' in change) || typeof change.field !== 'string') return [];
  const to = 'to' in change ? change.to : null;
  const before = 'inForce' in change ? change.inForce : 'from' in change ? change.from : null;
  const { field } = change;
  if (field === 'agentEnabled') {
    return [to === null ? `let policy decide whether ${whose} agent is on` : `switched ${whose} agent ${to === true ? 'on' : 'off'}`];
  }
  const title = toFieldTitle(fields[field] ?? field).toLowerCase();
  const known = before !== null && before !== undefined;
  if (to === null) return [`let ${whose} ${title} follow policy again${known ? ` (was ${show(before, field)})` : ''}`];
  const [was, is] = [show(before, field), show(to, field)];
  if (known && was === is) return [`fixed ${whose} ${title} at ${is}`];
  return [`set ${whose} ${title}${known ? ` from ${was}` : ''} to ${is}`];
}

/** What somebody asked for on a person's page, as one sentence; undefined for all other rows. */
export function toDeedWords({ action, actor, about, target, detail }: Row): string | undefined {
  if (action !== 'user.requests' || typeof detail !== 'object' || detail === null || !('changes' in detail)) return undefined;
  const name = about?.ownerName ?? (target.includes('@') ? target : '');
  const whose = name === '' ? 'a person\u2019s' : `${name}\u2019s`;
  const { changes } = detail;
  const deeds = Array.isArray(changes) ? changes.flatMap((change: unknown) => toDeed(change, whose)) : [];
  return deeds.length === 0 ? undefined : `${actor.id} ${deeds.join(', and ')}`;
}
