import { decideApproval } from '../../functions/directory/approvals.ts';
import { toAgentId } from '../../shared/agent.ts';
import { asks } from './commands.ts';
import { groupNames, type Person } from './directory-company.ts';
import { noDirectoryFaults, type DirectoryFaults } from './directory-port.ts';
import { planes } from './directory-policies.ts';
import { noSignalFaults, type SignalFaults } from './directory-signals.ts';
import { planeOf, type IntakeWorld } from './intake-world.ts';
import { createRandom, type Random } from './random.ts';
import { afterMs, disturb, noFaults, pause, type Faults } from './session.ts';
import { hashing, log, planeId } from './wiring.ts';

type Edit =
  'suspend' | 'unsuspend' | 'archive' | 'unarchive' | 'disable' | 'delete' | 'undelete' | 'on' | 'off' | 'blank' | 'typo' | 'drift';

export type IntakeAction =
  | { readonly do: 'user'; readonly user: number; readonly edit: Edit }
  | { readonly do: 'create' | 'move'; readonly user: number; readonly ou: number }
  | { readonly do: 'rename' | 'click'; readonly user: number; readonly to: number }
  | { readonly do: 'pause' | 'resume'; readonly user: number }
  | { readonly do: 'unit'; readonly from: string; readonly to: string }
  | { readonly do: 'member'; readonly group: string; readonly user: number; readonly comes: boolean }
  | { readonly do: 'nest' | 'group'; readonly group: string; readonly there: boolean }
  | { readonly do: 'switch'; readonly scope: string; readonly on: boolean }
  | { readonly do: 'app'; readonly on: boolean }
  | { readonly do: 'plane'; readonly plane: number }
  | { readonly do: 'decide'; readonly at: number; readonly decision: 'approve' | 'deny' }
  | {
      readonly do: 'faults';
      readonly store: Partial<Faults>;
      readonly directory: Partial<DirectoryFaults>;
      readonly signals: Partial<SignalFaults>;
    }
  | { readonly do: 'outage'; readonly outMs: number }
  | { readonly do: 'crash'; readonly worker: number; readonly left: number; readonly side: 'before' | 'after' }
  | { readonly do: 'stall'; readonly worker: number; readonly left: number; readonly stallMs: number }
  | { readonly do: 'wait' };

export type IntakeCommand = IntakeAction & { readonly seed: number; readonly ms: number };

export interface IntakeHistory {
  readonly seed: number;
  readonly workers: number;
  readonly plane: number;
  /** In a deaf history every signal is lost and the directory may be out, and nothing else goes wrong; in a calm one nothing does. */
  readonly mood: 'deaf' | 'calm' | 'wild';
  readonly commands: readonly IntakeCommand[];
}

const scopes = ['organization', 'ou:/Sales', 'ou:/Engineering', 'group:leads@acme.test', 'group:contractors@acme.test'] as const;
const moves = ['/Sales', '/Sales/West', '/Engineering', '/Vertrieb'] as const;

function drawFaults(random: Random): IntakeAction {
  const level = random.pick([0.05, 0.2, 0.5]);
  const some = (): number => (random.chance(0.5) ? level : 0);
  return {
    do: 'faults',
    store: { store: some() / 4, hint: some(), slow: some() / 2, stale: some(), error: some() / 4 },
    directory: { error: some(), hang: some() / 3, stale: some(), slow: some() / 2 },
    signals: { lost: some(), doubled: some(), late: some() },
  };
}

function drawAction(random: Random, workers: number, mood: IntakeHistory['mood']): IntakeAction {
  const user = random.between(0, 99);
  const edit = (what: Edit): IntakeAction => ({ do: 'user', user, edit: what });
  const group = random.pick(groupNames);
  const dice = random.next() * (mood === 'wild' ? 1 : 0.8);
  if (mood === 'deaf' && dice < 0.06) return { do: 'outage', outMs: random.between(10, 60) * 60_000 };
  if (dice < 0.04) return { do: 'wait' };
  if (dice < 0.055) return { do: 'pause', user };
  if (dice < 0.07) return { do: 'resume', user };
  if (dice < 0.14) return edit(random.pick(['suspend', 'suspend', 'suspend', 'archive', 'disable']));
  if (dice < 0.2) return edit(random.pick(['unsuspend', 'unsuspend', 'unarchive']));
  if (dice < 0.23) return edit('delete');
  if (dice < 0.26) return edit('undelete');
  if (dice < 0.29) return { do: 'create', user, ou: random.between(0, 3) };
  if (dice < 0.33) return { do: 'rename', user, to: random.between(1, 12) };
  if (dice < 0.38) return { do: 'move', user, ou: random.between(0, 3) };
  if (dice < 0.46) return edit(random.pick(['on', 'on', 'off', 'blank', 'blank', 'typo', 'drift']));
  if (dice < 0.51) return { do: 'unit', from: random.pick(moves), to: random.pick(moves) };
  if (dice < 0.56) return { do: 'member', group, user, comes: random.chance(0.7) };
  if (dice < 0.59) return { do: 'nest', group: random.pick(groupNames.slice(0, 2)), there: random.chance(0.7) };
  if (dice < 0.61) return { do: 'group', group, there: random.chance(0.5) };
  if (dice < 0.66) return { do: 'switch', scope: random.pick(scopes), on: random.chance(0.6) };
  if (dice < 0.67) return { do: 'app', on: random.chance(0.6) };
  if (dice < 0.72) return { do: 'plane', plane: random.between(0, planes.length - 1) };
  if (dice < 0.79) return { do: 'decide', at: random.between(0, 99), decision: random.pick(['approve', 'deny']) };
  if (dice < 0.8) return { do: 'click', user, to: 0 };
  const worker = random.between(0, workers - 1);
  if (dice < 0.87) return drawFaults(random);
  if (dice < 0.9) return { do: 'faults', store: {}, directory: {}, signals: {} };
  if (dice < 0.92) return { do: 'outage', outMs: random.between(5_000, 60 * 60_000) };
  if (dice < 0.97) return { do: 'crash', worker, left: random.between(0, 40), side: random.pick(['before', 'after']) };
  return { do: 'stall', worker, left: random.between(-1, 40), stallMs: random.between(2_000, 150_000) };
}

function drawPause(random: Random): number {
  const dice = random.next();
  if (dice < 0.35) return random.between(5, 3_000);
  if (dice < 0.75) return random.between(3_000, 90_000);
  if (dice < 0.93) return random.between(90_000, 12 * 60_000);
  return random.between(15 * 60_000, 70 * 60_000);
}

export function drawIntakeHistory(seed: number, steps: number): IntakeHistory {
  const random = createRandom(seed);
  const workers = random.between(1, 2);
  const dice = random.next();
  const mood = dice < 0.2 ? 'deaf' : dice < 0.3 ? 'calm' : 'wild';
  const plane = random.between(0, planes.length - 1);
  const first = Array.from({ length: random.between(4, 6) }, (_, user): IntakeAction => ({
    do: 'create',
    user,
    ou: random.pick([0, 1, 1, 2, 3]),
  }));
  const commands = Array.from({ length: steps }, (_, at): IntakeCommand => {
    const action = first[at] ?? drawAction(random, workers, mood);
    return { ...action, seed: Math.floor(random.next() * 2 ** 32), ms: at < first.length ? 10 : drawPause(random) };
  });
  return { seed, workers, plane, mood, commands };
}

const edits: Readonly<Record<Exclude<Edit, 'delete' | 'undelete'>, readonly [string, (person: Person) => Partial<Person>]>> = {
  suspend: ['SUSPEND_USER', () => ({ suspended: true })],
  unsuspend: ['UNSUSPEND_USER', () => ({ suspended: false })],
  archive: ['ARCHIVE_USER', () => ({ archived: true })],
  unarchive: ['UNARCHIVE_USER', () => ({ archived: false })],
  // By Google itself, which its login log tells and no other.
  disable: ['account_disabled_generic', () => ({ suspended: true })],
  on: ['CHANGE_USER_CUSTOM_FIELD', ({ fields }) => ({ fields: { ...fields, agentEnabled: true } })],
  off: ['CHANGE_USER_CUSTOM_FIELD', ({ fields }) => ({ fields: { ...fields, agentEnabled: false } })],
  blank: ['CHANGE_USER_CUSTOM_FIELD', ({ fields: { agentEnabled: _on, modelTier: _tier, ...fields } }) => ({ fields })],
  typo: ['CHANGE_USER_CUSTOM_FIELD', ({ fields }) => ({ fields: { ...fields, modelTier: 'Opuss' } })],
  drift: ['CHANGE_USER_CUSTOM_FIELD', ({ fields }) => ({ fields: { ...fields, agentStatus: 'all is well' } })],
};

const emailOf = (number: number): string => `u${number}@acme.test`;

function editUser({ company, signals }: IntakeWorld, person: Person, edit: Edit): void {
  if (edit === 'delete') return company.remove(person.id);
  if (edit === 'undelete') return company.restore(person.id);
  const [event, next] = edits[edit];
  if (edit !== 'disable') return company.change(person.id, next(person), event);
  if (person.deleted) return;
  company.put({ ...person, ...next(person) });
  signals.push(person.id, 'update');
  signals.entry('login', event, { affected_email_address: person.email });
}

function performOnGroup(
  { company, signals }: IntakeWorld,
  action: Extract<IntakeAction, { group: string }>,
  person: Person | undefined,
): void {
  const group = company.groupAt(action.group);
  if (action.do === 'group') {
    if (action.there === (group !== undefined)) return;
    company.putGroup(action.group, action.there ? { members: new Set(), nested: new Set() } : undefined);
    if (!action.there) signals.entry('groups_enterprise', 'delete_group', { group_id: action.group });
    return;
  }
  if (!group) return;
  const comes = 'comes' in action ? action.comes : action.there;
  const name = comes ? 'add_member' : 'remove_member';
  const [what, member] = action.do === 'nest' ? (['nested', groupNames[2]] as const) : (['members', person?.id] as const);
  if (member === undefined || person?.deleted) return;
  const others = [...group[what]].filter((other) => other !== member);
  company.putGroup(action.group, { ...group, [what]: new Set(comes ? [...others, member] : others) });
  const member_id = action.do === 'nest' ? member : (person?.email ?? '');
  signals.entry('groups_enterprise', name, { group_id: action.group, member_id, member_type: action.do === 'nest' ? 'group' : 'user' });
}

/** An admin's word on some approval, perhaps not the first. */
export function decide({ act, documents, told }: IntakeWorld, at: number, decision: 'approve' | 'deny'): void {
  const all = [...documents.entries('approvals')];
  const [id] = all[at % Math.max(1, all.length)] ?? [];
  if (id === undefined) return;
  told.decided += 1;
  act('approval', ({ change }) => decideApproval(planeId, id, decision, { kind: 'user', id: 'admin@acme.test' }, undefined, change));
}

export function perform(world: IntakeWorld, action: IntakeAction): void {
  const { clock, stage, company, directory, told, workers, file } = world;
  const all = company.everybody();
  const person = 'user' in action ? all[action.user % Math.max(1, all.length)] : undefined;
  switch (action.do) {
    case 'user':
      return person && editUser(world, person, action.edit);
    case 'create': {
      const email = emailOf(all.length + 1);
      const taken = company.byEmail(email) !== undefined;
      if (all.length >= 7) return;
      // Ids are not in the order of addresses.
      const fields = world.random.chance(0.3) ? { agentEnabled: world.random.chance(0.7) } : {};
      return company.create(String(900 - all.length), taken ? `n${all.length}@acme.test` : email, company.ous[action.ou] ?? '/', fields);
    }
    case 'move':
      return person && company.change(person.id, { ouPath: company.ous[action.ou] ?? '/' }, 'MOVE_USER_TO_ORG_UNIT');
    case 'rename': {
      const email = emailOf(action.to);
      if (!person || company.byEmail(email)) return;
      return company.change(person.id, { email }, 'RENAME_USER', { NEW_VALUE: email });
    }
    case 'click':
      return person && world.act('click', ({ intake }) => intake.look(person.id, { signal: clock.deadline(20_000), log }));
    case 'pause':
    case 'resume': {
      const agent = person && world.documents.peek('agents', toAgentId(planeId, person.id, hashing.sha256));
      const ask = asks[action.do];
      return agent && world.act(action.do, ({ change }) => ask(agent, change));
    }
    case 'unit':
      return company.renameUnit(action.from, action.to);
    case 'member':
    case 'nest':
    case 'group':
      return performOnGroup(world, action, person);
    case 'switch':
      return company.toggle(action.scope, action.on);
    case 'app':
      return company.install(action.on);
    case 'plane':
      file.plane = planeOf(action.plane);
      file.begun = false;
      return world.begin(true);
    case 'decide':
      return decide(world, action.at, action.decision);
    case 'faults':
      stage.faults = { ...noFaults, ...action.store };
      directory.faults = { ...noDirectoryFaults, ...action.directory };
      told.faults = { ...noSignalFaults, ...action.signals };
      return disturb(stage, afterMs + 150_000);
    case 'outage':
      directory.outUntil = clock.now() + action.outMs;
      return disturb(stage, action.outMs + afterMs);
    case 'crash': {
      const worker = workers[action.worker];
      if (worker?.up) worker.crash = { left: action.left, side: action.side };
      return;
    }
    case 'stall': {
      const worker = workers[action.worker];
      if (!worker?.up) return;
      if (action.left < 0) pause(stage, worker, action.stallMs);
      else worker.stall = { left: action.left, ms: action.stallMs };
      return;
    }
    case 'wait':
  }
}
