import type { Answer } from '../../shared/contract.ts';
import type { Plane } from '../../shared/plane.ts';
import { heldAfterMs } from '../directory/confirmation.ts';
import { rollCall } from '../directory/roll-call.ts';
import { activityApplications, type Finding, type IdentityProvider } from '../core/providers.ts';
import type { Store } from '../core/store.ts';
import type { Clock, Ctx } from '../core/surroundings.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { ModelMaker } from '../model/models.ts';
import { prices } from '../model/prices.ts';
import type { Planes } from '../planes.ts';
import { version } from '../version.ts';
import { findPlane, type Handlers } from './handlers.ts';

export interface DiagnosisDeps {
  readonly planes: Planes;
  readonly store: Store;
  readonly clock: Clock;
  readonly identity: Pick<IdentityProvider, 'examine'>;
  readonly fleet: Pick<Fleet, 'agentsOf'>;
  readonly maker: ModelMaker;
  /** Whether this deployment keeps backups, and how mail leaves it; absent where it stays in the plane's own mailbox. */
  readonly keepsBackups: boolean;
  readonly mailBy: string | undefined;
}

const minuteMs = 60_000;
/** An errand that comes each minute and is so late is not run by anybody, in milliseconds. */
const sweepLateMs = 5 * minuteMs;
/** Entries of the audit log are polled twice a minute and appear minutes late, in milliseconds. */
const pollLateMs = 15 * minuteMs;
/** Later than any roll call that goes well, in milliseconds. */
const rollCallLateMs = 12 * minuteMs;

const since = (at: number, now: number): string => `${Math.max(0, Math.round((now - at) / minuteMs))} minutes ago`;

async function examineChannel({ store, clock }: DiagnosisDeps): Promise<Finding> {
  const now = clock.now();
  const channels = await store.query('channels', 'byExpiry', { from: now, reverse: true, limit: 50 });
  const open = channels.find(({ resourceId }) => resourceId !== '');
  if (open) return { name: 'push channel', state: 'ok', detail: `open until ${new Date(open.expiresAt).toISOString()}` };
  const attempts = (await store.get('schedule', 'plane/watch'))?.attempts ?? 0;
  return {
    name: 'push channel',
    state: 'failed',
    detail: `none is open; ${attempts} tries to open one have failed`,
    remedy: 'check that Google reaches the plane at its public address over https; until then polls and walks find changes later',
  };
}

async function examinePolls({ store, clock }: DiagnosisDeps): Promise<Finding> {
  const now = clock.now();
  const marks = await Promise.all(
    activityApplications.map(async (application) => ({ application, mark: await store.get('polls', application) })),
  );
  const late = marks.filter(({ mark }) => !mark || now - mark.readUntil > pollLateMs);
  const name = 'audit log';
  if (late.length === 0)
    return { name, state: 'ok', detail: `read up to ${since(Math.min(...marks.map(({ mark }) => mark?.readUntil ?? now)), now)}` };
  const facts = late.map(({ application, mark }) => `${application} ${mark ? `read up to ${since(mark.readUntil, now)}` : 'never read'}`);
  const remedy = 'give our account the Reports scope that the README lists; the sweep below has to run as well';
  return { name, state: 'failed', detail: facts.join(', '), remedy };
}

async function examineRollCall({ store, clock }: DiagnosisDeps): Promise<Finding> {
  const now = clock.now();
  const name = 'roll call';
  const readAt = (await store.get('walks', rollCall))?.readAt;
  const read = `the Directory was ${readAt === undefined ? 'never read through' : `last read through ${since(readAt, now)}`}`;
  if (readAt !== undefined && now - readAt <= rollCallLateMs)
    return { name, state: 'ok', detail: `${read}: the owners of all agents are there` };
  const attempts = (await store.get('schedule', `plane/${rollCall}`))?.attempts ?? 0;
  const remedy = `see what it says of the Directory; agents go on by themselves once it is read through (${attempts} tries have failed)`;
  if (readAt !== undefined && now - readAt <= heldAfterMs)
    return { name, state: 'warning', detail: `${read}; agents are held after ${heldAfterMs / minuteMs} minutes`, remedy };
  return { name, state: 'failed', detail: `${read}; agents are held, and none is removed`, remedy };
}

async function examineSweep({ store, clock }: DiagnosisDeps): Promise<Finding> {
  const now = clock.now();
  const name = 'sweep';
  const row = await store.get('schedule', 'plane/orphans');
  const remedy = 'check that the scheduler calls the sweep each minute, and the log for what keeps it from finishing';
  if (!row) return { name, state: 'failed', detail: 'it has never run', remedy };
  if (row.dueAt < now - sweepLateMs) return { name, state: 'failed', detail: `it was due ${since(row.dueAt, now)}`, remedy };
  if (row.attempts > 0) return { name, state: 'warning', detail: `the last ${row.attempts} tries have failed`, remedy };
  const walked = (await store.get('walks', 'walk'))?.startedAt;
  return {
    name,
    state: 'ok',
    detail: `runs each minute; the last walk through the directory began ${walked ? since(walked, now) : 'never'}`,
  };
}

function examineModels({ spec }: Plane, { maker }: DiagnosisDeps): Finding {
  const name = 'models';
  if (maker === 'stand-in') {
    const remedy = 'set ANTHROPIC_API_KEY or OPENAI_API_KEY and start the plane again';
    return { name, state: 'warning', detail: 'a stand-in answers instead of a model', remedy };
  }
  const unserved = spec.models.flatMap(({ tiers }) => Object.values(tiers)).filter((model) => !prices[maker][model]);
  if (unserved.length === 0) return { name, state: 'ok', detail: `they come from ${maker}, with a key of the plane's own` };
  const remedy = `name models of ${maker} in spec.models: ${Object.keys(prices[maker]).join(', ')}`;
  return { name, state: 'warning', detail: `${unserved.join(', ')} cannot be had from ${maker}: the plane's own choice serves`, remedy };
}

const examineBackups = ({ spec }: Plane, { keepsBackups }: DiagnosisDeps): Finding => {
  const name = 'backups';
  if (!keepsBackups) return { name, state: 'warning', detail: 'none are made', remedy: 'say where they are kept: BACKUP_BUCKET' };
  if (spec.backup.every === 'never') {
    return { name, state: 'warning', detail: 'the plane asks for none', remedy: 'set spec.backup.every to daily or weekly' };
  }
  return { name, state: 'ok', detail: `${spec.backup.every}, the last one kept for ${spec.backup.retentionDays} days after a removal` };
};

const examineMail = ({ mailBy }: DiagnosisDeps): Finding =>
  mailBy === undefined
    ? { name: 'mail', state: 'warning', detail: 'it stays in the plane’s own mailbox', remedy: 'say with MAIL_FILE how mail travels' }
    : { name: 'mail', state: 'ok', detail: `it travels by ${mailBy}` };

/** How many agents run which version of OpenClaw, as their machines say. */
async function countVersions(planeId: string, { fleet }: DiagnosisDeps) {
  const running = (await fleet.agentsOf(planeId)).filter(({ record }) => record.desired === 'running');
  const counts = Map.groupBy(
    running.flatMap(({ openclaw }) => openclaw ?? []),
    (version) => version,
  );
  return [...counts].map(([name, all]) => ({ version: name, agents: all.length })).toSorted((x, y) => y.agents - x.agents);
}

const toView = ({ remedy = null, ...finding }: Omit<Finding, 'remedy'> & { readonly remedy?: string | null }) => ({ ...finding, remedy });

/** Whether everything that a plane needs is there. */
async function diagnose(plane: Plane, deps: DiagnosisDeps, ctx: Ctx): Promise<Answer<'diagnose'>> {
  const [directory, channel, polls, roll, sweep, openclaw] = await Promise.all([
    deps.identity.examine(ctx),
    examineChannel(deps),
    examinePolls(deps),
    examineRollCall(deps),
    examineSweep(deps),
    countVersions(plane.metadata.name, deps),
  ]);
  const checks = [...directory, channel, polls, roll, sweep, examineModels(plane, deps), examineBackups(plane, deps), examineMail(deps)];
  return { checks: checks.map(toView), versions: { plane: version, openclaw } };
}

export const createDiagnosisHandlers = (deps: DiagnosisDeps): Pick<Handlers, 'diagnose'> => ({
  diagnose: ({ params, ctx }) => diagnose(findPlane(deps.planes, params.planeId), deps, ctx),
});
