import { PlaneError } from '../../functions/core/errors.ts';
import type { Providers } from '../../functions/core/providers.ts';
import type { PartName } from '../../functions/core/records.ts';
import type { Ctx } from '../../functions/core/surroundings.ts';
import { deadlineOf } from './clock.ts';
import { maxLagMs, type Cloud } from './cloud.ts';
import { alive, countEffect, die, never, resume, type Session, type Stage } from './session.ts';

export type Verb = 'apply' | 'revoke' | 'remove' | 'restart';

/** One call that changes the world. */
export interface Start {
  readonly name: string;
  readonly part: PartName;
  readonly verb: Verb;
  readonly agentId: string;
  readonly deadline: number;
}

export interface EffectWatch {
  onStart(session: Session, start: Start): void;
  /** The effect took place, perhaps long after its caller gave up. */
  onLand(start: Start): void;
}

const unavailable = (name: string): PlaneError =>
  new PlaneError('unavailable', `cannot ${name}: the simulated provider refuses; it is tried again`);
const timeout = (name: string): PlaneError => new PlaneError('timeout', `cannot ${name}: no answer before the deadline`);

/** The three providers as one run of one process sees them. */
export function createProviderPorts(session: Session, cloud: Cloud, watch: EffectWatch, stage: Stage): Providers {
  const { clock, random, tally } = stage;
  const { effects, looks } = cloud;
  const out = (provider: string): boolean => (stage.outages.get(provider) ?? 0) > clock.now();

  function latency(): number {
    if (random.chance(stage.faults.slow)) return random.between(500, 8_000);
    return random.between(1, 60);
  }

  /** Settles in time, or rejects when the deadline has passed. */
  function answer(name: string, at: number, deadline: number, settle: () => void, reject: (error: Error) => void): void {
    if (at <= deadline) resume(stage, session, at, settle);
    else resume(stage, session, deadline, () => reject(timeout(name)));
  }

  function change(
    provider: string,
    name: string,
    part: PartName,
    verb: Verb,
    agentId: string,
    ctx: Ctx,
    effect: () => void,
  ): Promise<void> {
    if (!alive(session)) return never();
    const deadline = deadlineOf(ctx.signal);
    if (ctx.signal.aborted) return Promise.reject(timeout(name));
    const start: Start = { name, part, verb, agentId, deadline };
    watch.onStart(session, start);
    tally.verbs += 1;
    const side = countEffect(stage, session, `${provider}.${name}`);
    if (side === 'before') {
      die(stage, session.worker, side);
      return never();
    }
    const now = clock.now();
    return new Promise((resolve, refuse) => {
      const reject = (error: Error): void => {
        session.refused.add(part);
        refuse(error);
      };
      const land = (at: number, then: (error?: Error) => void): void =>
        clock.schedule(Math.min(at, deadline), () => {
          try {
            effect();
            watch.onLand(start);
          } catch (error) {
            then(error instanceof Error ? error : new Error(String(error)));
            return;
          }
          if (side === 'after') die(stage, session.worker, side);
          then();
        });
      const dice = random.next();
      const { error, lost, hang } = stage.faults;
      if (out(provider) || dice < error) {
        tally.faults += 1;
        if (side === 'after') die(stage, session.worker, side);
        answer(name, now + latency(), deadline, () => reject(unavailable(name)), reject);
      } else if (dice < error + lost) {
        tally.faults += 1;
        const landAt = now + (random.chance(0.3) ? random.between(1, Math.max(1, deadline - now)) : latency());
        land(landAt, () => undefined);
        answer(name, now + latency(), deadline, () => reject(unavailable(name)), reject);
      } else if (dice < error + lost + hang) {
        tally.faults += 1;
        if (random.chance(0.5)) land(random.between(now, deadline), () => undefined);
        answer(name, Number.POSITIVE_INFINITY, deadline, () => undefined, reject);
      } else {
        const landAt = now + latency();
        if (landAt > deadline) {
          answer(name, landAt, deadline, () => undefined, reject);
          return;
        }
        land(landAt, (failure) => {
          const at = clock.now() + random.between(0, 20);
          answer(name, at, deadline, failure === undefined ? resolve : () => reject(failure), reject);
        });
      }
    });
  }

  function look<T>(provider: string, name: string, ctx: Ctx, show: (at: number) => T): Promise<T> {
    if (!alive(session)) return never();
    const deadline = deadlineOf(ctx.signal);
    if (ctx.signal.aborted) return Promise.reject(timeout(name));
    return new Promise((resolve, reject) => {
      const dice = random.next();
      const { error, lost, hang } = stage.faults;
      const at = clock.now() + latency();
      if (out(provider) || dice < error + lost + hang) {
        tally.faults += 1;
        const late = dice >= error + lost && dice < error + lost + hang;
        answer(name, late ? Number.POSITIVE_INFINITY : at, deadline, () => reject(unavailable(name)), reject);
        return;
      }
      answer(
        name,
        at,
        deadline,
        () => resolve(show(random.chance(stage.faults.stale) ? clock.now() - random.between(0, maxLagMs) : clock.now())),
        reject,
      );
    });
  }

  const unused = (): Promise<never> => Promise.reject(new Error('the core does not call this'));

  return {
    infra: {
      name: 'infra',
      principal: (id, ctx) => look('infra', 'principal', ctx, (at) => looks.principal(id, at)),
      listPrincipals: (ctx) => look('infra', 'listPrincipals', ctx, looks.principals),
      ensurePrincipal: (id, ctx) => change('infra', 'ensurePrincipal', 'principal', 'apply', id, ctx, () => effects.ensurePrincipal(id)),
      removePrincipal: (id, ctx) => change('infra', 'removePrincipal', 'principal', 'remove', id, ctx, () => effects.removePrincipal(id)),
      provision: (spec, ctx) => change('infra', 'provision', 'machine', 'apply', spec.agentId, ctx, () => effects.provision(spec)),
      freeze: (id, ctx) => change('infra', 'freeze', 'machine', 'revoke', id, ctx, () => effects.freeze(id)),
      deprovision: (id, ctx) => change('infra', 'deprovision', 'machine', 'remove', id, ctx, () => effects.deprovision(id)),
      restart: (id, ctx) => change('infra', 'restart', 'machine', 'restart', id, ctx, () => effects.restart(id)),
      resize: (id, spec, ctx) => change('infra', 'resize', 'machine', 'apply', id, ctx, () => effects.resize(id, spec)),
      status: (id, ctx) => look('infra', 'status', ctx, (at) => looks.status(id, at)),
      listInstances: (_planeId, ctx) => look('infra', 'listInstances', ctx, looks.machines),
      versions: unused,
      offer: unused,
      logs: unused,
    },
    secrets: {
      name: 'secrets',
      get: unused,
      set: (key, value, id, ctx) => change('secrets', 'set', 'secrets', 'apply', id, ctx, () => effects.set(key, value, id)),
      delete: (key, id, ctx) => change('secrets', 'delete', 'secrets', 'apply', id, ctx, () => effects.delete(key, id)),
      list: (id, ctx) => look('secrets', 'list', ctx, (at) => [...(looks.namespace(id, at)?.names ?? [])]),
      namespace: (id, ctx) => look('secrets', 'namespace', ctx, (at) => looks.namespace(id, at)),
      listNamespaces: (ctx) => look('secrets', 'listNamespaces', ctx, looks.namespaces),
      grant: (id, principal, ctx) => change('secrets', 'grant', 'secrets', 'apply', id, ctx, () => effects.grant(id, principal)),
      revokeGrant: (id, ctx) => change('secrets', 'revokeGrant', 'secrets', 'revoke', id, ctx, () => effects.revokeGrant(id)),
      purge: (id, ctx) => change('secrets', 'purge', 'secrets', 'remove', id, ctx, () => effects.purge(id)),
    },
    network: {
      name: 'network',
      setupAccess: (id, owner, ctx) => change('network', 'setupAccess', 'access', 'apply', id, ctx, () => effects.setupAccess(id, owner)),
      revokeAccess: (id, ctx) => change('network', 'revokeAccess', 'access', 'revoke', id, ctx, () => effects.revokeAccess(id)),
      configureEgress: (id, policy, ctx) =>
        change('network', 'configureEgress', 'egress', 'apply', id, ctx, () => effects.configureEgress(id, policy)),
      remove: (id, ctx) => change('network', 'remove', 'access', 'remove', id, ctx, () => effects.removeNetwork(id)),
      observe: (id, ctx) => look('network', 'observe', ctx, (at) => looks.network(id, at)),
      list: (ctx) => look('network', 'list', ctx, looks.networks),
      tunnel: unused,
    },
  };
}
