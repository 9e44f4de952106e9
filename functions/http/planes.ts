import type { PlaneDefinitionView } from '../../shared/contract.ts';
import type { Plane } from '../../shared/plane.ts';
import { toBudgetDate } from '../../shared/budget.ts';
import type { ChangeDeps } from '../core/agents.ts';
import { PlaneError } from '../core/errors.ts';
import type { IdentityProvider } from '../core/providers.ts';
import type { PlaneRecord } from '../core/records.ts';
import type { ModelMaker } from '../model/models.ts';
import { prices } from '../model/prices.ts';
import { changePlane, type Planes } from '../planes.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { countFleet } from './agent-list.ts';
import type { Handlers } from './handlers.ts';
import { readScopes } from './scopes.ts';

const kinds = ['identity', 'infrastructure', 'secrets', 'networking'] as const;
export type ProviderNames = Readonly<Record<(typeof kinds)[number], readonly string[]>>;

/** The providers of one plane, as all that a deployment offers. */
export const namesOf = ({ spec }: Plane): ProviderNames => ({
  identity: [spec.identity.provider],
  infrastructure: [spec.infrastructure.provider],
  secrets: [spec.secrets.provider],
  networking: [spec.networking.provider],
});

export interface PlaneChecks {
  readonly offers: ProviderNames;
  /** The one Workspace customer's. */
  readonly domain: string;
  readonly maker: ModelMaker;
  /** Throws `invalid` where a provider does not take what the plane says of it. */
  readonly makeProviders: (plane: Plane) => unknown;
}

/** Throws `invalid`, with every problem at once, for a plane that this deployment cannot run. */
export function assertRunnable(plane: Plane, { offers, domain, maker, makeProviders }: PlaneChecks): void {
  const { spec, metadata } = plane;
  const foreign = kinds.flatMap((kind) => {
    const found = spec[kind].provider;
    return offers[kind].includes(found)
      ? []
      : [{ path: `spec.${kind}.provider`, found: JSON.stringify(found), allowed: offers[kind].join(' or ') }];
  });
  const elsewhere =
    spec.identity.domain === domain
      ? []
      : [{ path: 'spec.identity.domain', found: JSON.stringify(spec.identity.domain), allowed: `${domain}, which this deployment serves` }];
  const unpriced = spec.models.flatMap(({ tiers }, at) =>
    Object.entries(tiers).flatMap(([tier, model]) =>
      maker === 'stand-in' || prices[maker][model]
        ? []
        : [{ path: `spec.models[${at}].tiers.${tier}`, found: JSON.stringify(model), allowed: Object.keys(prices[maker]).join(', ') }],
    ),
  );
  const problems = [...foreign, ...elsewhere, ...unpriced];
  if (problems.length > 0) {
    const facts = problems.map(({ path, found, allowed }) => `${path}: found ${found}; allowed: ${allowed}`).join('; ');
    throw new PlaneError('invalid', `cannot run plane ${metadata.name} here: ${facts}`, { problems });
  }
  makeProviders(plane);
}

export const toDefinitionView = ({ planeId, revision, managedBy, updatedAt, updatedBy, definition }: PlaneRecord): PlaneDefinitionView => ({
  ...{ planeId, revision, managedBy, updatedBy, definition },
  updatedAt: new Date(updatedAt).toISOString(),
});

export interface PlaneHandlersDeps extends ChangeDeps, PlaneChecks {
  readonly planes: Planes;
  readonly identity: Pick<IdentityProvider, 'listOrgUnits'>;
  readonly fleet: Fleet;
}

/** What planes there are, as their planes.yaml says them. */
export function createPlaneHandlers(deps: PlaneHandlersDeps): Pick<Handlers, 'listPlanes' | 'createPlane' | 'getPlane' | 'listScopes'> {
  const { planes, clock } = deps;

  async function recordOf(planeId: string): Promise<PlaneRecord> {
    const record = await planes.record(planeId);
    if (record && record.state !== 'removed') return record;
    const here = planes.all().map(({ metadata }) => metadata.name);
    throw new PlaneError('notFound', `cannot find plane ${planeId}; planes here: ${here.join(', ')}`);
  }

  return {
    async listPlanes({ within }) {
      const list = planes.all().map(async ({ metadata, spec }) => ({
        planeId: metadata.name,
        providers: {
          identity: spec.identity.provider,
          infrastructure: spec.infrastructure.provider,
          secrets: spec.secrets.provider,
          networking: spec.networking.provider,
        },
        ...(await countFleet(deps.fleet, metadata.name, toBudgetDate(clock.now(), spec.timeZone).month, within)),
      }));
      return { planes: await Promise.all(list) };
    },
    async createPlane({ body: definition, actor, authorize, sent }) {
      const { name } = definition.metadata;
      assertRunnable(definition, deps);
      await authorize();
      const made = await changePlane(
        name,
        actor,
        (current) => {
          if (!current || current.state === 'removed') return { state: 'active', managedBy: 'api', definition };
          const remedy = current.state === 'active' ? 'change it with a plan, or choose another name' : 'wait until it is gone';
          throw new PlaneError('conflict', `cannot create plane ${name}: it is ${current.state} here; ${remedy}`);
        },
        { ...deps, store: sent.once('plane') },
      );
      await planes.refresh();
      return toDefinitionView(made ?? (await recordOf(name)));
    },
    getPlane: async ({ params }) => toDefinitionView(await recordOf(params.planeId)),
    async listScopes({ params, within, ctx }) {
      const { definition } = await recordOf(params.planeId);
      return readScopes(definition, within, deps, ctx);
    },
  };
}
