import { takeBodiesAsSent } from './http/framework.ts';
import { startFunctions } from './main-google.ts';

takeBodiesAsSent();

/** What functions-framework loads on Google Cloud; it picks one of these by the target it is started with. */
export const { api, events, reconcile, sweep, model } = startFunctions();
