import { undoneMark } from '../../shared/sidecar-names.ts';
import type { Backups } from '../backup/backups.ts';
import { changeAgent, toDraft, type ChangeDeps } from '../core/agents.ts';
import { agentChain, append, readHead } from '../core/audit.ts';
import { askSidecar, waitingCommands, type CommandDeps } from '../core/commands.ts';
import { PlaneError, toMessage } from '../core/errors.ts';
import type { InfraProvider } from '../core/providers.ts';
import type { Actor, AgentRecord, CommandRecord, HeartbeatRecord, UpgradeRecord } from '../core/records.ts';
import { makeDue, type Handler } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import type { Ctx, Json, Log } from '../core/surroundings.ts';
import { readIdle } from './one-at-a-time.ts';

export interface UpgradeDeps extends ChangeDeps, CommandDeps {
  readonly backups: Pick<Backups, 'begin'>;
  readonly infraOf: (planeId: string) => Pick<InfraProvider, 'versions' | 'offer'>;
  /** The version that a plane's agents are to have; the provider's own unless said. */
  readonly versionOf: (planeId: string) => string | undefined;
  readonly log: Log;
}

export const upgradeKey = (agentId: string): string => `upgrade/${agentId}`;

/** How soon a step that waits is looked at again, in milliseconds. */
const pollMs = 1_000;
/** The same while a version is being installed, in milliseconds. */
const installPollMs = 2_000;
const installPatienceMs = 20 * 60_000;
/** A machine that was silent for so long is not to be upgraded, in milliseconds. */
const silentMs = 5 * 60_000;

const actor: Actor = { kind: 'plane', id: 'care' };

const order = ['install', 'backup', 'swap', 'gate'] as const;
const ends = ['done', 'rolledBack', 'failed'] as const;
const isEnd = (step: UpgradeRecord['step']): boolean => ends.some((end) => end === step);
const isLater = (step: (typeof order)[number], than: UpgradeRecord['step']): boolean =>
  order.indexOf(step) > order.findIndex((each) => each === than);

/**
 * Another version of OpenClaw on an agent's machine (REQ-INFRA-06): installed beside the one in force, then the machine backs up, checks
 * its config, swaps and proves itself with a prompt, or goes back by itself. Each step may be repeated after a crash.
 */
export function createUpgrade(deps: UpgradeDeps) {
  const { store, clock, hashing, wake, backups, infraOf, log } = deps;

  async function choose(agent: AgentRecord, wanted: string | undefined, ctx: Ctx): Promise<string> {
    const known = await infraOf(agent.planeId).versions(ctx);
    const version = wanted ?? deps.versionOf(agent.planeId) ?? known[0];
    if (version !== undefined && known.includes(version)) return version;
    const fact = `OpenClaw ${version ?? ''} is not published here`;
    throw new PlaneError('invalid', `cannot upgrade agent ${agent.agentId}: ${fact}; there are ${known.join(', ')}`);
  }

  async function begin(
    agent: AgentRecord,
    by: Actor,
    { version }: { version?: string | undefined } = {},
    given?: Ctx,
    within: Pick<Store, 'transact'> = store,
  ): Promise<UpgradeRecord> {
    const { agentId, incarnation } = agent;
    const to = await choose(agent, version, given ?? { signal: clock.deadline(silentMs), log });
    const key = upgradeKey(agentId);
    const begun = await within.transact(async (tx) => {
      await readIdle('upgrade', agent, tx);
      const [before, beat] = [await tx.get('upgrades', agentId), await tx.get('heartbeats', agentId)];
      const [due, head] = [await tx.get('schedule', key), await readHead(tx, agentChain(agentId))];
      const now = clock.now();
      // It names this upgrade, also where a clock stands still.
      const startedAt = Math.max(now, (before?.startedAt ?? 0) + 1);
      const from = beat?.incarnation === incarnation && beat.openclaw !== undefined ? { from: beat.openclaw } : {};
      const upgrade: UpgradeRecord = { agentId, incarnation, step: 'install', ...from, to, startedAt, by: by.id };
      tx.set('upgrades', agentId, upgrade);
      const changes = [{ field: 'openclaw', from: from.from ?? null, to }];
      append(tx, head, [{ at: now, actor: by, action: 'agent.upgrade', target: agentId, detail: { ...from, to, changes } }], hashing);
      makeDue(tx, key, due, now);
      return upgrade;
    });
    wake.wake(key);
    return begun;
  }

  /** Writes what comes next unless somebody else has moved it on; an end and its audit row commit together. */
  async function move(from: UpgradeRecord, change: Partial<UpgradeRecord>): Promise<void> {
    const { agentId } = from;
    await store.transact(async (tx) => {
      const [current, head] = [await tx.get('upgrades', agentId), await readHead(tx, agentChain(agentId))];
      if (!current || current.step !== from.step || current.startedAt !== from.startedAt) return;
      const next = { ...current, ...change };
      tx.set('upgrades', agentId, next);
      if (!isEnd(next.step)) return;
      const detail: Json = { to: next.to, ...(next.failure === undefined ? {} : { failure: next.failure }) };
      append(tx, head, [{ at: clock.now(), actor, action: `agent.upgrade ${next.step}`, target: agentId, detail }], hashing);
    });
  }

  /** From here on the agent's machines come up with the version that came out of it. */
  const pin = (agentId: string, version: string | undefined) =>
    changeAgent(agentId, actor, (now) => (now && version !== undefined ? { ...toDraft(now), openclaw: version } : undefined), deps);

  async function finish(upgrade: UpgradeRecord, step: (typeof ends)[number], failure?: string): Promise<void> {
    const agent = await store.get('agents', upgrade.agentId);
    const alive = agent?.desired === 'running' && agent.incarnation === upgrade.incarnation;
    if (alive && step === 'done') await pin(agent.agentId, upgrade.to);
    // What the plane says new machines get must not reach this one by the back door.
    else if (alive && agent.openclaw === undefined) await pin(agent.agentId, upgrade.from);
    await move(upgrade, { step, ...(failure === undefined ? {} : { failure }) });
  }

  async function install(upgrade: UpgradeRecord, agent: AgentRecord, beat: HeartbeatRecord | undefined, ctx: Ctx): Promise<number> {
    const { agentId, to, startedAt } = upgrade;
    const nothing = 'nothing was changed';
    if (agent.paused) await finish(upgrade, 'failed', `it was paused, ${nothing}; resume it, and upgrade it again`);
    else if (!beat?.live || clock.now() - beat.at > silentMs)
      await finish(upgrade, 'failed', `the agent is silent, ${nothing}; restart or reprovision it first`);
    else if (beat.openclaw === to) await finish(upgrade, 'done');
    else if (await infraOf(agent.planeId).offer(agentId, to, ctx))
      await move(upgrade, { step: 'backup', ...(beat.openclaw ? { from: beat.openclaw } : {}) });
    else if (clock.now() - startedAt > installPatienceMs)
      await finish(upgrade, 'failed', `OpenClaw ${to} could not be installed, ${nothing}; see the log of the plane`);
    else return installPollMs;
    return 0;
  }

  async function ask(upgrade: UpgradeRecord, agent: AgentRecord): Promise<number> {
    const { agentId, to, startedAt } = upgrade;
    const id = `c-upgrade-${agentId}-${startedAt}`;
    const asked = await store.get('commands', id);
    const args = asked?.args ?? { version: to, backupId: (await backups.begin(agent, 'upgrade', actor)).id };
    const command = await askSidecar(agent, 'upgrade', args, actor, deps, id);
    await move(upgrade, { commandId: id, backupId: command.args['backupId'] ?? '' });
    return pollMs;
  }

  /** How far the machine is, by what it shows. */
  async function stepOf(upgrade: UpgradeRecord, beat: HeartbeatRecord | undefined): Promise<(typeof order)[number]> {
    if (beat?.openclaw === upgrade.to) return 'gate';
    const backup = await store.get('backups', upgrade.backupId ?? '');
    return backup?.finishedAt === undefined ? 'backup' : 'swap';
  }

  async function conclude(upgrade: UpgradeRecord, command: CommandRecord | undefined): Promise<void> {
    const { result = 'no answer', until = 0, endedAt = 0 } = command ?? {};
    if (command?.state === 'done') return finish(upgrade, 'done');
    if (result.endsWith(undoneMark)) return finish(upgrade, 'rolledBack', result);
    // Read after the result, which came with a heartbeat or after it.
    const beat = await store.get('heartbeats', upgrade.agentId);
    const inForce = beat?.incarnation === upgrade.incarnation && endedAt < until ? beat.openclaw : undefined;
    // A machine that ended after it had kept the new version does not know, but runs with it: it was proven before.
    if (inForce === upgrade.to) return finish(upgrade, 'done');
    return finish(upgrade, upgrade.step === 'gate' && inForce === upgrade.from ? 'rolledBack' : 'failed', result);
  }

  async function follow(upgrade: UpgradeRecord, agent: AgentRecord, beat: HeartbeatRecord | undefined): Promise<number> {
    if (upgrade.commandId === undefined) return ask(upgrade, agent);
    // Gives it up when its time is over, also where no sidecar asks any more.
    await waitingCommands(agent, deps);
    const command = await store.get('commands', upgrade.commandId);
    if (command?.state !== 'waiting') {
      await conclude(upgrade, command);
      return 0;
    }
    const step = await stepOf(upgrade, beat);
    if (isLater(step, upgrade.step)) await move(upgrade, { step });
    return pollMs;
  }

  const handle: Handler = async (agentId, signal) => {
    const [upgrade, agent, heard] = await Promise.all([
      store.get('upgrades', agentId),
      store.get('agents', agentId),
      store.get('heartbeats', agentId),
    ]);
    if (!upgrade || isEnd(upgrade.step)) return undefined;
    if (agent?.desired !== 'running' || agent.incarnation !== upgrade.incarnation) {
      await finish(upgrade, 'failed', `the agent is ${agent?.reason ?? 'gone'}`);
      return undefined;
    }
    const beat = heard?.incarnation === upgrade.incarnation ? heard : undefined;
    try {
      return await (upgrade.step === 'install' ? install(upgrade, agent, beat, { signal, log }) : follow(upgrade, agent, beat));
    } catch (error) {
      const final = error instanceof PlaneError && ['conflict', 'preconditionFailed', 'notFound'].includes(error.code);
      const late = upgrade.step === 'install' && clock.now() - upgrade.startedAt > installPatienceMs;
      if (!final && !late) throw error;
      await finish(upgrade, 'failed', toMessage(error));
      return undefined;
    }
  };
  return { begin, handle };
}
export type Upgrade = ReturnType<typeof createUpgrade>;
