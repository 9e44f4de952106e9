import { takeBodiesAsSent } from '../../functions/http/framework.ts';
import { startFunctions } from '../../functions/main-google.ts';
import { fileRegistries } from './story-providers.ts';

takeBodiesAsSent();

/** The functions as functions/main.ts starts them, but for providers that several processes share, and shorter times. */
export const { api, events, reconcile, sweep, model } = startFunctions(undefined, {
  registries: fileRegistries,
  times: { effectMs: 6_000, waitMs: 300, leaseMs: 7_000, resyncMs: 30_000 },
});
