import { gatewayTokenName, modelKeyName } from '../../shared/sidecar.ts';
import { moveAssignment } from './assignments.ts';
import type { Credentials } from './credentials.ts';
import type { Listing, Part } from './part.ts';
import type { EgressPolicy, Fields, Providers } from './providers.ts';
import type { AgentRecord } from './records.ts';
import type { Store } from './store.ts';
import type { Clock, Ctx } from './surroundings.ts';
import { createChannelsPart } from './channels-part.ts';
import { wantedOf } from './wanted.ts';

export interface Introduction {
  /** Sends the agent's introduction to its owner; the same key is never delivered twice. */
  send(agent: AgentRecord, text: string | undefined, key: string, ctx: Ctx): Promise<void>;
}

export interface PartsDeps {
  readonly providers: Providers;
  readonly store: Store;
  readonly clock: Clock;
  readonly credentials: Credentials;
  readonly egress: EgressPolicy;
  readonly introduction: Introduction;
  /** The version of OpenClaw that new machines of the plane get; the provider's own unless said. */
  readonly openclaw?: string | undefined;
  /** How long one effect may take, in milliseconds. */
  readonly effectMs: number;
  /** How soon a part that is coming up is looked at again, in milliseconds. */
  readonly waitMs: number;
}

/** A plain introduction goes out when the agent has not written one by then (REQ-UX-02 allows five minutes). */
export const introductionPatienceMs = 4 * 60_000;

/** A heartbeat older than this no longer shows that the runtime is ready, in milliseconds. */
const heartbeatMs = 300_000;

const none = { state: 'absent' } as const;

/** Turns the four provider kinds into the parts of one agent, in the order in which they come to exist. */
export function createParts({ providers, store, clock, credentials, egress, introduction, effectMs, waitMs, ...deps }: PartsDeps) {
  const { infra, secrets, network } = providers;

  return function partsOf(agent: AgentRecord): readonly Part[] {
    const { agentId, planeId, incarnation, secretsVersion, spec } = agent;
    const paused = agent.paused !== undefined;
    const owner = { planeId, agentId };
    const common = { effectMs, waitMs };
    const wanted = wantedOf(agent, egress);

    const principal: Part = {
      ...common,
      name: 'principal',
      provider: infra.name,
      desired: wanted.principal,
      async observe(ctx) {
        const found = await infra.principal(agentId, ctx);
        return found ? { state: 'present', owner: found, ready: true, revoked: false, fields: {}, detail: found.id } : none;
      },
      apply: (_changes, ctx) => infra.ensurePrincipal(agentId, ctx),
      remove: (ctx) => infra.removePrincipal(agentId, ctx),
    };

    const joinCount = async (): Promise<number> => {
      const join = await store.get('joins', agentId);
      return join?.incarnation === incarnation ? join.count : 0;
    };
    /** The incarnation and number are in the name, so that a listing of names shows whether the right token waits. */
    const joinName = (count: number): string => `join/${incarnation}-${count + 1}`;
    const versionName = `version/${incarnation}-${secretsVersion}`;

    const namespace: Part = {
      ...common,
      name: 'secrets',
      provider: secrets.name,
      desired: wanted.secrets,
      moves: ['complete'],
      async observe(ctx) {
        const [found, count, reader] = await Promise.all([secrets.namespace(agentId, ctx), joinCount(), infra.principal(agentId, ctx)]);
        if (!found) return none;
        // A spent join token beside the next one would be traded in vain: exactly these names, nothing left of earlier ones.
        const passing = found.names.filter((name) => /^(?:join|version)\//.test(name)).sort();
        const kept = [gatewayTokenName, modelKeyName].every((name) => found.names.includes(name));
        const complete = kept && passing.join() === [joinName(count), versionName].join();
        const granted = found.grantedTo !== undefined && found.grantedTo === reader?.id;
        const fields: Fields = { complete, granted };
        return { state: 'present', owner: found, ready: complete && granted, revoked: found.grantedTo === undefined, fields };
      },
      async apply(_changes, ctx) {
        const count = await joinCount();
        const values = [
          [gatewayTokenName, credentials.mint({ kind: 'gateway', agentId, incarnation, extra: secretsVersion })],
          [modelKeyName, credentials.mint({ kind: 'model', agentId, incarnation, extra: secretsVersion })],
          [joinName(count), credentials.mint({ kind: 'join', agentId, incarnation, extra: count + 1 })],
        ] as const;
        for (const [name, value] of values) await secrets.set(name, value, agentId, ctx);
        // Last, so that whoever sees the version finds its values.
        await secrets.set(versionName, String(secretsVersion), agentId, ctx);
        const current = [joinName(count), versionName];
        const spent = (await secrets.list(agentId, ctx)).filter((name) => /^(?:join|version)\//.test(name) && !current.includes(name));
        for (const name of spent) await secrets.delete(name, agentId, ctx);
        const reader = await infra.principal(agentId, ctx);
        if (reader) await secrets.grant(agentId, reader.id, ctx);
      },
      revoke: (ctx) => secrets.revokeGrant(agentId, ctx),
      remove: (ctx) => secrets.purge(agentId, ctx),
    };

    const access: Part = {
      ...common,
      name: 'access',
      provider: network.name,
      desired: wanted.access,
      async observe(ctx) {
        const found = await network.observe(agentId, ctx);
        if (!found) return none;
        const fields: Fields = { access: found.access ?? null };
        return { state: 'present', owner: found, ready: true, revoked: found.access === undefined, fields };
      },
      apply: (_changes, ctx) => network.setupAccess(agentId, agent.ownerEmail, ctx),
      revoke: (ctx) => network.revokeAccess(agentId, ctx),
      remove: (ctx) => network.remove(agentId, ctx),
    };

    const egressPart: Part = {
      ...common,
      name: 'egress',
      provider: network.name,
      desired: wanted.egress,
      async observe(ctx) {
        const found = await network.observe(agentId, ctx);
        if (!found?.egress) return none;
        const fields: Fields = { default: found.egress.default, allowedDomains: found.egress.allowedDomains };
        return { state: 'present', owner: found, ready: true, revoked: true, fields };
      },
      apply: (_changes, ctx) => network.configureEgress(agentId, egress, ctx),
    };

    const size = { machineType: spec.machineType, diskSizeGb: spec.diskSizeGb };
    const machine: Part = {
      ...common,
      name: 'machine',
      provider: infra.name,
      desired: wanted.machine,
      async observe(ctx) {
        const found = await infra.status(agentId, ctx);
        // A machine that is not there is as good as one that is off.
        if (!found) return paused ? { state: 'present', owner, ready: true, revoked: true, fields: { on: false } } : none;
        const { machineType, diskSizeGb, region, state, detail } = found;
        const on = state === 'preparing' || state === 'running';
        const fields: Fields = { machineType, diskSizeGb, region, on };
        return {
          state: 'present',
          owner: found,
          ready: paused ? !on : state === 'running',
          revoked: !on,
          fields,
          ...(detail === undefined ? {} : { detail }),
        };
      },
      async apply(changes, ctx) {
        if (paused) return infra.freeze(agentId, ctx);
        const sizeOnly = changes.length > 0 && changes.every(({ field, from }) => field in size && from !== undefined);
        if (sizeOnly) return infra.resize(agentId, size, ctx);
        // Names are per region: a machine made elsewhere before the old one is gone would be a second one.
        const moved = changes.some(({ field, from }) => field === 'region' && from !== undefined);
        if (moved) return infra.deprovision(agentId, ctx);
        const image = spec.image === undefined ? {} : { image: spec.image };
        const version = agent.openclaw ?? deps.openclaw;
        const openclaw = version === undefined ? {} : { openclaw: version };
        const labels = { 'openclaw-plane': planeId, 'openclaw-agent': agentId };
        return infra.provision({ ...owner, ...size, ...image, ...openclaw, region: spec.region, labels }, ctx);
      },
      revoke: (ctx) => infra.freeze(agentId, ctx),
      remove: (ctx) => infra.deprovision(agentId, ctx),
    };

    const runtime: Part = {
      ...common,
      name: 'runtime',
      provider: 'sidecar',
      desired: wanted.runtime,
      async observe() {
        const heartbeat = await store.get('heartbeats', agentId);
        if (heartbeat?.incarnation !== incarnation) return none;
        const beating = clock.now() - heartbeat.at <= heartbeatMs;
        const detail = heartbeat.detail === undefined ? {} : { detail: heartbeat.detail };
        return { state: 'present', owner, ready: heartbeat.ready && beating, revoked: true, fields: { beating }, ...detail };
      },
    };

    const written = async (): Promise<string | undefined> => {
      const heartbeat = await store.get('heartbeats', agentId);
      return heartbeat?.incarnation === incarnation ? heartbeat.introduction : undefined;
    };
    const introduce: Part = {
      ...common,
      name: 'introduction',
      provider: 'mail',
      errand: true,
      desired: wanted.introduction,
      async observe() {
        const sent = await store.get('introductions', agentId);
        if (sent?.incarnation === incarnation) return { state: 'present', owner, ready: true, revoked: true, fields: { sent: true } };
        const due = (await written()) !== undefined || clock.now() >= agent.enabledAt + introductionPatienceMs;
        return { state: 'present', owner, ready: false, revoked: true, fields: { sent: !due } };
      },
      async apply(_changes, ctx) {
        const text = await written();
        await introduction.send(agent, text, `introduction/${agentId}/${incarnation}`, ctx);
        const sent = { agentId, incarnation, sentAt: clock.now(), by: text === undefined ? 'plane' : 'agent' } as const;
        await store.transact(async (tx) => {
          const assignment = await tx.get('assignments', agentId);
          tx.set('introductions', agentId, sent);
          moveAssignment(tx, agentId, assignment, sent.sentAt);
        });
      },
    };

    const standing = [principal, namespace, access, egressPart, machine];
    const channels = createChannelsPart(agent, { infra, store, effectMs, desired: wanted.channels });
    return paused ? standing : [...standing, runtime, introduce, ...channels];
  };
}

/** Every list a removal is checked against. */
export function createListings({ infra, secrets, network }: Providers, planeId: string): readonly Listing[] {
  return [
    { what: 'machines', provider: infra.name, list: (ctx) => infra.listInstances(planeId, ctx) },
    { what: 'principals', provider: infra.name, list: (ctx) => infra.listPrincipals(ctx) },
    { what: 'secrets', provider: secrets.name, list: (ctx) => secrets.listNamespaces(ctx) },
    { what: 'network', provider: network.name, list: (ctx) => network.list(ctx) },
  ];
}
