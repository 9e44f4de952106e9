import type { Plane } from '../shared/plane.ts';
import { PlaneError } from './core/errors.ts';
import type { Listing } from './core/part.ts';
import { createListings, createParts, type PartsDeps } from './core/parts.ts';
import { createPass, type PassDeps } from './core/pass.ts';
import type { Providers } from './core/providers.ts';
import type { Handler } from './core/schedule.ts';
import { canonical } from './core/surroundings.ts';
import type { Planes } from './planes.ts';

export interface PlanePassesDeps
  extends Omit<PassDeps, 'partsOf' | 'listings' | 'restart'>, Omit<PartsDeps, 'providers' | 'egress' | 'openclaw'> {
  readonly planes: Planes;
  /** Makes the providers that a plane names; throws `invalid` where it names one that is not here. */
  readonly makeProviders: (plane: Plane) => Providers;
}

interface Made<T> {
  readonly from: string;
  readonly made: T;
}

/** How many agents' planes are remembered. */
const mostRemembered = 20_000;

/** Makes something once for each plane, and again when what it is made from has changed. */
function perPlane<T>(sourceOf: (plane: Plane) => object, make: (plane: Plane) => T): (plane: Plane) => T {
  const known = new Map<string, Made<T>>();
  return (plane) => {
    const { name } = plane.metadata;
    const from = canonical(JSON.parse(JSON.stringify(sourceOf(plane))) as Parameters<typeof canonical>[0]);
    const found = known.get(name);
    if (found?.from === from) return found.made;
    const made = make(plane);
    known.set(name, { from, made });
    return made;
  };
}

/** Providers, listings and passes of every plane; an agent's are those of its own plane. */
export function createPlanePasses(deps: PlanePassesDeps) {
  const { planes, store } = deps;

  const providersFor = perPlane(({ spec: { infrastructure, secrets, networking } }) => {
    const of = ({ provider, project }: { provider: string; project?: string | undefined }) => ({ provider, project });
    return { infrastructure: of(infrastructure), secrets: of(secrets), networking: networking.provider };
  }, deps.makeProviders);

  function planeOf(planeId: string): Plane {
    const plane = planes.find(planeId);
    if (plane) return plane;
    throw new PlaneError('unavailable', `cannot find plane ${planeId}; it is looked for again`);
  }
  const listingsFor = (plane: Plane): readonly Listing[] => createListings(providersFor(plane), plane.metadata.name);

  function passFor(plane: Plane): Handler {
    const providers = providersFor(plane);
    return createPass({
      ...deps,
      listings: listingsFor(plane),
      driftPolicyOf: () => plane.spec.drift,
      partsOf: createParts({ ...deps, providers, egress: plane.spec.networking.egressPolicy, openclaw: plane.spec.openclaw.version }),
      restart: (agentId, ctx) => providers.infra.restart(agentId, ctx),
    });
  }

  /** An agent never changes its plane: its id follows from it. */
  const remembered = new Map<string, string>();
  async function planeIdOf(agentId: string): Promise<string | undefined> {
    const [only, ...others] = planes.known();
    if (only && others.length === 0) return only.metadata.name;
    const known = remembered.get(agentId) ?? (await store.get('agents', agentId))?.planeId;
    if (known === undefined) return undefined;
    const [oldest] = remembered.keys();
    if (remembered.size >= mostRemembered && oldest !== undefined) remembered.delete(oldest);
    remembered.set(agentId, known);
    return known;
  }

  const pass: Handler = async (agentId, signal) => {
    const planeId = await planeIdOf(agentId);
    return planeId === undefined ? undefined : passFor(planeOf(planeId))(agentId, signal);
  };

  return { pass, listingsFor, providersFor, providersOf: (planeId: string): Providers => providersFor(planeOf(planeId)) };
}
