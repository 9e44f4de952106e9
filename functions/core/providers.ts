import type { UserRequests } from '../../shared/directory-schema.ts';
import type { Ctx, Json } from './surroundings.ts';

/*
 * The four provider kinds of REQUIREMENTS §1.2. One provider object serves one plane. For every verb:
 * it is idempotent; it never waits for readiness; `undefined`, an empty list or a quiet return means proven absence and
 * everything else throws; reads change nothing and answer in the spec's own words; names of what it makes are pure functions of
 * plane and agent; what another plane or agent holds under such a name is reported with its true owner and never written.
 */

/** Who a resource belongs to, as its labels say. */
export interface Owner {
  readonly planeId: string;
  readonly agentId: string;
}

/** A role for the whole company, or for an org unit and all below it. */
export interface RoleGrant {
  readonly role: 'admin' | 'viewer';
  readonly ou?: string;
}

export interface UserIdentity {
  /** The directory's immutable id; e-mail is only a label. */
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly ouPath: string;
  /** The groups that policies name and the user is in, nested ones too. */
  readonly groups: readonly string[];
  readonly active: boolean;
  /** Why the user is not active, in a word: suspended, archived. */
  readonly inactiveBecause?: string;
  readonly roles: readonly RoleGrant[];
  /** What costs are told by: `department`, `costCenter`, where the directory says them. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The custom fields of `OpenClaw_Agent` as the directory gives them. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface PublishedFields {
  readonly agentId: string;
  readonly agentStatus: string;
  readonly lastHeartbeat: string;
}

export interface UserFilter {
  readonly ou?: string;
}

export interface UserPage {
  readonly users: readonly UserIdentity[];
  /** Asks for the page after this one; absent on the last. */
  readonly next?: string;
}

/** The parts of a directory's audit log that say something about users, groups or org units. */
export const activityApplications = ['admin', 'groups_enterprise', 'login'] as const;
export type ActivityApplication = (typeof activityApplications)[number];

/** One entry of the directory's audit log. The same entry has the same id by whatever way it reaches us. */
export interface Activity {
  /** `<microseconds since 1970>/<qualifier>`. */
  readonly id: string;
  /** When it happened, in milliseconds since 1970. */
  readonly at: number;
  readonly application: ActivityApplication;
  /** Who did it, where it is said. */
  readonly actor?: string;
  readonly events: readonly { readonly name: string; readonly parameters: Readonly<Record<string, string>> }[];
}

/** A push channel of the directory: where it calls, and the secret it shows when it does. */
export interface WatchChannel {
  readonly id: string;
  readonly token: string;
  readonly address: string;
  readonly ttlMs: number;
}

/** One thing that a directory needs to be, and whether it is. */
export interface Finding {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  /** What to do next, where something is wrong. */
  readonly remedy?: string;
}

export interface IdentityProvider {
  readonly name: string;
  /** Proves who sent an ID token; throws `unauthenticated` when it does not verify for our audience. Roles are read fresh. */
  authenticate(token: string, ctx: Ctx): Promise<UserIdentity>;
  /** The roles that a user holds now, read fresh: a mutating call asks again at the moment of effect. */
  rolesOf(userId: string, ctx: Ctx): Promise<UserIdentity['roles']>;
  /** By immutable id or e-mail, without roles (empty); of who is not active, without groups too. A deleted user is absent. */
  resolveUser(key: string, ctx: Ctx): Promise<UserIdentity | undefined>;
  /** Every user that is not deleted, page by page, without groups (empty) and roles (empty). */
  listUsers(filter: UserFilter, ctx: Ctx): AsyncIterable<UserIdentity>;
  /** One page of at most 500 users, without groups and roles; with `deleted`, of those who were deleted and can come back. */
  listPage(page: { readonly token?: string; readonly deleted?: boolean }, ctx: Ctx): Promise<UserPage>;
  /** The paths of all org units, the root among them. */
  listOrgUnits(ctx: Ctx): Promise<readonly string[]>;
  /** People whose name or address begins so, for people to choose from: the directory may find changes hours late. Without groups and roles. */
  searchUsers(text: string, limit: number, ctx: Ctx): Promise<readonly UserIdentity[]>;
  /** Whether the directory can be reached as us and has what the plane needs in it; says so of what cannot be read. */
  examine(ctx: Ctx): Promise<readonly Finding[]>;
  /** The ids of all users in a group, nested groups included; `undefined` when there is no such group. All or nothing. */
  membersOf(group: string, ctx: Ctx): Promise<readonly string[] | undefined>;
  /** The audit log from a time on (milliseconds since 1970), newest first. Entries may appear minutes late, or never. */
  activities(application: ActivityApplication, since: number, ctx: Ctx): AsyncIterable<Activity>;
  /** Opens a push channel for every change of every user. Channels are never renewed: open another before this one expires. */
  watchEvents(channel: WatchChannel, ctx: Ctx): Promise<{ readonly resourceId: string; readonly expiresAt: number }>;
  stopWatching(channel: { readonly id: string; readonly resourceId: string }, ctx: Ctx): Promise<void>;
  /**
   * Overwrites the published fields of a user; a user who is gone is fine. Answers in how many milliseconds to try again when
   * the share of the directory's quota that is kept for this kind of write is used up, and writes nothing then.
   */
  publish(userId: string, fields: PublishedFields, kind: 'status' | 'heartbeat', ctx: Ctx): Promise<number | undefined>;
  /** Writes an admin's requests into the directory, `null` clears a field. */
  writeRequests(userId: string, requests: { readonly [K in keyof UserRequests]: UserRequests[K] | null }, ctx: Ctx): Promise<void>;
}

export interface Principal extends Owner {
  /** How the system calls it: a service account, a Unix uid. */
  readonly id: string;
}

export interface AgentComputeSpec extends Owner {
  readonly machineType: string;
  readonly region: string;
  readonly diskSizeGb: number;
  readonly image?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly startupScript?: string;
  /** The version of OpenClaw that a machine comes up with when it is made; the provider's own unless said. One that is there keeps its own. */
  readonly openclaw?: string;
}

export type InstanceState = 'preparing' | 'running' | 'frozen' | 'stopped';

export interface AgentInstance extends Owner {
  readonly machineType: string;
  readonly region: string;
  readonly diskSizeGb: number;
  readonly image?: string;
  readonly state: InstanceState;
  /** What it is doing, for people: "installing OpenClaw". */
  readonly detail?: string;
}

/** What a channel still needs on a machine. */
export interface ChannelLack {
  readonly channel: string;
  /** `waiting` until it is asked for; `failed` while a failure keeps it from being tried again. */
  readonly state: 'waiting' | 'coming' | 'failed';
  /** For people. */
  readonly detail: string;
}

export interface InfraProvider {
  readonly name: string;
  principal(agentId: string, ctx: Ctx): Promise<Principal | undefined>;
  listPrincipals(ctx: Ctx): Promise<readonly Principal[]>;
  ensurePrincipal(agentId: string, ctx: Ctx): Promise<void>;
  removePrincipal(agentId: string, ctx: Ctx): Promise<void>;
  /** Makes the machine, or starts it again when it is there but stopped. */
  provision(spec: AgentComputeSpec, ctx: Ctx): Promise<void>;
  /** Takes the machine's ability to act at once and keeps its disk; only `provision` or `deprovision` follow. */
  freeze(agentId: string, ctx: Ctx): Promise<void>;
  deprovision(agentId: string, ctx: Ctx): Promise<void>;
  restart(agentId: string, ctx: Ctx): Promise<void>;
  /** The versions of OpenClaw that machines can be given; the one they get unless told otherwise comes first. */
  versions(ctx: Ctx): Promise<readonly string[]>;
  /**
   * Puts a version of OpenClaw beside the one in force, where the machine's sidecar can upgrade to it. Answers false while it is on its
   * way there. Throws `preconditionFailed` for a version that `versions` does not list.
   */
  offer(agentId: string, version: string, ctx: Ctx): Promise<boolean>;
  /** What the machine's sidecar does not find yet of what channels need beside a version of OpenClaw. Absent where machines bring it all. */
  lacks?(agentId: string, channels: readonly string[], openclaw: string, ctx: Ctx): Promise<readonly ChannelLack[]>;
  /** Brings it there in the background; the sidecar takes it up by itself. */
  equip?(agentId: string, channels: readonly string[], openclaw: string, ctx: Ctx): Promise<void>;
  resize(agentId: string, spec: Partial<Pick<AgentComputeSpec, 'machineType' | 'diskSizeGb'>>, ctx: Ctx): Promise<void>;
  status(agentId: string, ctx: Ctx): Promise<AgentInstance | undefined>;
  listInstances(planeId: string, ctx: Ctx): Promise<readonly AgentInstance[]>;
  /** The last lines that the agent's machine wrote, oldest first. */
  logs(agentId: string, options: { readonly lines: number }, ctx: Ctx): Promise<readonly string[]>;
}

export interface SecretNamespace extends Owner {
  readonly names: readonly string[];
  /** The principal that may read this namespace. */
  readonly grantedTo?: string;
}

export interface SecretsProvider {
  readonly name: string;
  get(key: string, agentId: string, ctx: Ctx): Promise<string>;
  set(key: string, value: string, agentId: string, ctx: Ctx): Promise<void>;
  delete(key: string, agentId: string, ctx: Ctx): Promise<void>;
  list(agentId: string, ctx: Ctx): Promise<readonly string[]>;
  /** Names and grant of one namespace, never values. */
  namespace(agentId: string, ctx: Ctx): Promise<SecretNamespace | undefined>;
  listNamespaces(ctx: Ctx): Promise<readonly SecretNamespace[]>;
  /** Lets a principal read this agent's secrets and no others. */
  grant(agentId: string, principalId: string, ctx: Ctx): Promise<void>;
  revokeGrant(agentId: string, ctx: Ctx): Promise<void>;
  /** Destroys the whole namespace. */
  purge(agentId: string, ctx: Ctx): Promise<void>;
}

export interface EgressPolicy {
  readonly default: 'restricted' | 'open';
  readonly allowedDomains: readonly string[];
}

export interface NetworkState extends Owner {
  /** The owner identity that may reach the agent. */
  readonly access?: string;
  readonly egress?: EgressPolicy;
}

export interface TunnelInfo {
  readonly host: string;
  readonly port: number;
}

export interface NetworkProvider {
  readonly name: string;
  setupAccess(agentId: string, ownerIdentity: string, ctx: Ctx): Promise<void>;
  revokeAccess(agentId: string, ctx: Ctx): Promise<void>;
  configureEgress(agentId: string, policy: EgressPolicy, ctx: Ctx): Promise<void>;
  /** Removes everything this provider holds for the agent. */
  remove(agentId: string, ctx: Ctx): Promise<void>;
  observe(agentId: string, ctx: Ctx): Promise<NetworkState | undefined>;
  list(ctx: Ctx): Promise<readonly NetworkState[]>;
  tunnel(agentId: string, ctx: Ctx): Promise<TunnelInfo>;
}

export interface Providers {
  readonly infra: InfraProvider;
  readonly secrets: SecretsProvider;
  readonly network: NetworkProvider;
}

export type Fields = Readonly<Record<string, Json>>;
