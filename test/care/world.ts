import { randomUUID } from 'node:crypto';
import { createAskedBackups } from '../../functions/care/asked-backups.ts';
import { createReprovision } from '../../functions/care/reprovision.ts';
import { createUpgrade } from '../../functions/care/upgrade.ts';
import { takeResults, waitingCommands } from '../../functions/core/commands.ts';
import { PlaneError } from '../../functions/core/errors.ts';
import type { AgentRecord } from '../../functions/core/records.ts';
import type { Store } from '../../functions/core/store.ts';
import { nodeHashing } from '../../functions/keys.ts';
import { undoneMark } from '../../shared/sidecar-names.ts';
import { alice, openWorld, toAgent, toBytes } from '../backup/world.ts';

export { alice };
export const admin = { kind: 'user', id: 'admin@acme.test' } as const;

interface Options {
  readonly wrapStore?: (store: Store) => Store;
  readonly planeVersion?: string;
}

/** One agent whose machine runs OpenClaw 1.0.0, with a stand-in for its sidecar that does one step of a command at each beat. */
export async function openCare({ wrapStore = (each) => each, planeVersion }: Options = {}) {
  const backups = openWorld({ wrapStore });
  const { clock, log, store: own } = backups;
  const store = wrapStore(own);
  const common = {
    store,
    clock,
    log,
    hashing: nodeHashing,
    wake: { wake: () => undefined, flush: async () => undefined },
    random: randomUUID,
  };
  const host = { published: ['1.0.0', '2.0.0', '3.0.0'], installed: new Set(['1.0.0']), installs: true, offered: [] as string[] };
  const infra = {
    versions: async () => host.published,
    async offer(_agentId: string, version: string) {
      if (!host.published.includes(version)) throw new PlaneError('preconditionFailed', `there is no ${version}`);
      if (host.installed.has(version)) host.offered.push(version);
      else if (host.installs) host.installed.add(version);
      return host.offered.includes(version);
    },
  };
  const deps = { ...common, backups: backups.backups, infraOf: () => infra, versionOf: () => planeVersion };
  const [upgrade, reprovision, asked] = [createUpgrade(deps), createReprovision(deps), createAskedBackups(deps)];
  await backups.put(toAgent(alice));

  const machine = {
    version: '1.0.0',
    chosen: '1.0.0',
    broken: '',
    forgetful: false,
    did: [] as string[],
    seen: [] as string[],
    acts: false,
    stuck: false,
  };
  const agentOf = async (): Promise<AgentRecord> => (await own.get('agents', alice)) ?? toAgent(alice);

  async function beat(): Promise<void> {
    const heard = { agentId: alice, incarnation: 1, at: clock.now(), revision: 1, live: true, ready: true, boot: 1 };
    await own.transact(async (tx) => tx.set('heartbeats', alice, { ...heard, openclaw: machine.version }));
  }

  /** One step of the oldest command, as the sidecar's own upgrade goes. */
  async function act(): Promise<void> {
    const agent = await agentOf();
    const onOwn = { ...common, store: own };
    const [command] = await waitingCommands(agent, onOwn);
    await beat();
    if (command?.kind !== 'upgrade') return;
    const { version = '', backupId = '' } = command.args;
    const steps = machine.did.filter((each) => each.startsWith(command.id)).length;
    machine.did.push(`${command.id} ${steps}`);
    if (steps >= 2 && machine.stuck) return;
    if (steps === 0) return void (await backups.backups.receive(backupId, toBytes('all'), backups.ctx));
    if (steps === 1) machine.version = version;
    else if (machine.forgetful) {
      machine.chosen = machine.broken === version ? machine.chosen : version;
      machine.version = machine.chosen;
    } else machine.version = machine.broken === version ? machine.chosen : (machine.chosen = version);
    await beat();
    if (steps < 2) return;
    const ok = !machine.forgetful && machine.version === version;
    const why = machine.forgetful ? 'what came of it is not known' : `it answers no prompt; ${machine.version} ${undoneMark}`;
    await takeResults(agent, [{ id: command.id, ok, result: ok ? 'in force' : why }], onOwn);
  }

  return {
    ...{ store: own, clock, log, upgrade, reprovision, asked, host, machine, backups, agentOf, beat, act },
    record: () => own.get('upgrades', alice),
    rows: backups.rows,
    close: () => backups.close(),
    /** Lets plane and machine work until the upgrade has come to an end; what the plane throws is tried again. */
    async run(most = 40, thrown: (error: unknown) => void = () => undefined): Promise<void> {
      for (let round = 0; round < most; round += 1) {
        const again = await upgrade.handle(alice, backups.ctx.signal).catch((error: unknown) => {
          thrown(error);
          return 0;
        });
        const step = (await own.get('upgrades', alice))?.step ?? '';
        if (machine.seen.at(-1) !== step) machine.seen.push(step);
        if (again === undefined) return;
        clock.pass(1_000);
        machine.acts = true;
        await act();
        machine.acts = false;
      }
    },
  };
}
export type Care = Awaited<ReturnType<typeof openCare>>;
