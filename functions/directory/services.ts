import type { Plane } from '../../shared/plane.ts';
import type { ServiceToggle } from '../../shared/policy.ts';
import type { ServiceRecord } from '../core/records.ts';
import type { Reads, Store, Transaction } from '../core/store.ts';
import { applicationScope } from './affected.ts';
import type { Planes } from '../planes.ts';
import { namedGroups } from './standing.ts';

/** More switches than any company has; a listing of our own never goes on for ever. */
const mostServices = 10_000;

const isToggle = (toggle: { readonly scope: string; readonly enabled: boolean }): toggle is ServiceToggle =>
  toggle.scope === 'organization' || toggle.scope.startsWith('ou:') || toggle.scope.startsWith('group:');

/** Of several switches for one scope, the latest. A unit whose name was written in another case is the same unit. */
function latest(records: readonly ServiceRecord[]): ServiceRecord[] {
  const byScope = new Map<string, ServiceRecord>();
  for (const record of records) {
    const scope = record.scope.toLowerCase();
    if (record.at > (byScope.get(scope)?.at ?? -Infinity)) byScope.set(scope, record);
  }
  return [...byScope.values()];
}

/**
 * The reading half of recording switches, for a transaction of the caller's: which of them are later than what is stored, and
 * whether they change anything.
 */
export async function readLater(tx: Reads, records: readonly ServiceRecord[]): Promise<{ later: ServiceRecord[]; changed: boolean }> {
  const later: ServiceRecord[] = [];
  let changed = false;
  const application = records.length === 0 ? undefined : await tx.get('services', applicationScope);
  for (const record of latest(records)) {
    const stored = await tx.get('services', record.scope);
    if (stored && stored.at >= record.at) continue;
    later.push(record);
    const meant = record.at > (application?.at ?? -Infinity);
    const former = stored && stored.at > (application?.at ?? -Infinity) ? stored.enabled : undefined;
    // An app that is added or removed makes every switch before it meaningless, so that even `on` after `on` changes something.
    if (meant && (record.scope === applicationScope || former !== record.enabled)) changed = true;
  }
  return { later, changed };
}

/** The writing half of recording switches. */
export function writeServices(tx: Pick<Transaction, 'set'>, later: readonly ServiceRecord[]): void {
  for (const record of later) tx.set('services', record.scope, record);
}

/** Keeps switches whose events are later than what is stored; answers whether any of them changes anything. */
export async function recordServices(records: readonly ServiceRecord[], { store }: { readonly store: Store }): Promise<boolean> {
  return store.transact(async (tx) => {
    const { later, changed } = await readLater(tx, records);
    writeServices(tx, later);
    return changed;
  });
}

/** Every switch that counts today, one for each scope. */
export async function listServices(store: Store): Promise<readonly ServiceToggle[]> {
  const records: ServiceRecord[] = [];
  let from = '';
  while (records.length < mostServices) {
    const page = await store.query('services', 'byScope', { from, limit: 500 });
    records.push(...page);
    const last = page.at(-1);
    if (page.length < 500 || !last) break;
    from = `${last.scope}\u0000`;
  }
  const application = records.find(({ scope }) => scope === applicationScope);
  const since = application?.at ?? -Infinity;
  const toggles = latest(records.filter(({ at }) => at > since)).map(({ scope, enabled }) => ({ scope, enabled }));
  const whole = application && !toggles.some(({ scope }) => scope === 'organization') ? [application] : [];
  return [...whole.map(({ enabled }): ServiceToggle => ({ scope: 'organization', enabled })), ...toggles.filter(isToggle)];
}

/** Every group that decides anything today: those that planes name, and those for which a service was switched. */
export async function decidingGroups(planes: readonly Plane[], store: Store): Promise<readonly string[]> {
  const switched = (await listServices(store)).flatMap(({ scope }) => (scope.startsWith('group:') ? [scope.slice('group:'.length)] : []));
  return [...new Set([...planes.flatMap(namedGroups), ...switched])];
}

/** How old planes may be for what is read again in any case, in milliseconds. */
const freshMs = 1_000;

/** Every group that decides anything in the planes of now. */
export async function groupsInForce(planes: Planes, store: Store): Promise<readonly string[]> {
  await planes.refresh(freshMs);
  return decidingGroups(planes.active(), store);
}
