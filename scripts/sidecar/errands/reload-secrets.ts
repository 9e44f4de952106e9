import { gatewayTokenName, modelKeyName } from '../../../shared/sidecar-names.ts';
import { PlaneError } from '../../../functions/core/errors.ts';
import type { Errand } from '../errands.ts';
import { callGateway } from '../gateway-rpc.ts';
import { isOwnPort } from '../gateway-health.ts';
import { ask } from '../http.ts';
import type { Scene } from './scene.ts';

const reloadMs = 60_000;
const proofMs = 30_000;

/** Whether the gateway takes a token. */
async function takesToken(port: number, token: string, signal: AbortSignal): Promise<boolean> {
  const { status } = await ask(`http://127.0.0.1:${port}/v1/models`, {
    headers: { authorization: `Bearer ${token}` },
    timeoutMs: proofMs,
    signal,
  });
  return status === 200;
}

/** Whether the model gateway takes a key: an empty call costs nothing and is refused for what it says, not for who says it. */
async function takesKey({ assignment }: Scene, key: string, signal: AbortSignal): Promise<boolean> {
  const { api, baseUrl } = assignment().model;
  const [path, headers] =
    api === 'anthropic-messages' ? ['/v1/messages', { 'x-api-key': key }] : ['/chat/completions', { authorization: `Bearer ${key}` }];
  const { status } = await ask(baseUrl.replace(/\/$/, '') + path, { method: 'POST', headers, body: {}, timeoutMs: proofMs, signal });
  return status !== 401 && status !== 403;
}

/** Has OpenClaw take over the secrets as they are now, without a restart; proves it of both. */
export const createReloadSecrets =
  (scene: Scene): Errand =>
  async (args, signal) => {
    const version = args['version'] ?? scene.assignment().secretsVersion;
    const { port, uid } = scene.line();
    if (!isOwnPort(port, uid)) throw new PlaneError('unavailable', 'cannot reload the secrets: the gateway does not listen');
    const { [gatewayTokenName]: token = '', [modelKeyName]: key = '' } = await scene.reader.read([gatewayTokenName, modelKeyName]);
    // Until it has reloaded, the gateway knows the former token; one that has just been started knows the new one.
    const held = scene.secretsInForce().token;
    const known = held !== '' && (await takesToken(port, held, signal)) ? held : token;
    await callGateway({ port, uid, token: known }, 'secrets.reload', {}, { timeoutMs: reloadMs, signal });
    if (!(await takesToken(port, token, signal)))
      throw new PlaneError('preconditionFailed', 'cannot reload the secrets: the gateway does not take its new token');
    if (!(await takesKey(scene, key, signal)))
      throw new PlaneError('preconditionFailed', 'cannot reload the secrets: the model gateway does not take the new key');
    scene.setSecretsInForce({ version, token });
    return `the secrets of version ${version} are in force`;
  };
