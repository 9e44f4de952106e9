/* Names on which a sidecar and the plane agree. No import, since a sidecar keeps what it imports in memory for each agent. */

/** The names under which a machine finds its own secrets in its namespace; the join token is the one whose name starts with `join/`. */
export const gatewayTokenName = 'gateway/token';
export const modelKeyName = 'model/apiKey';

/** How the result of an upgrade ends that was tried and undone; one that failed before the swap ends otherwise. */
export const undoneMark = 'is back';
