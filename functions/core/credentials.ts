import { PlaneError } from './errors.ts';
import type { AgentRecord } from './records.ts';
import type { Store } from './store.ts';
import type { Clock } from './surroundings.ts';

/** Keyed message authentication with the plane's token key, which never leaves the composition root. */
export interface TokenKey {
  /** HMAC-SHA-256, base64url. */
  readonly mac: (text: string) => string;
  /** Compares in constant time. */
  readonly equal: (a: string, b: string) => boolean;
}

/**
 * `join` is traded once for a `session`; `session` opens /agent/ for fifteen minutes; `model` opens the model gateway;
 * `gateway` is the agent's own OpenClaw token; `link` opens the owner's page.
 */
export type CredentialKind = 'join' | 'session' | 'model' | 'gateway' | 'link';

export interface Credential {
  readonly kind: CredentialKind;
  readonly agentId: string;
  readonly incarnation: number;
  /** The version of a model key or gateway token, the join's number, or when a session or link ends in milliseconds since 1970; 0 where neither applies. */
  readonly extra: number;
  /** The number of the join a session came from: the next join ends it. */
  readonly boot?: number;
}

export const sessionMs = 15 * 60_000;
/** How long a secret that was rotated lives beside the new one at most, in milliseconds. */
export const retiringMs = 24 * 3_600_000;
export const linkMs = 7 * 24 * 3_600_000;

export interface Credentials {
  mint(credential: Credential): string;
  /**
   * The agent that a token stands for. Throws `unauthenticated` unless the token is ours, of this kind, of the living
   * incarnation, unexpired, and the store still wants the agent to run: revoking is a write to the store and nothing else.
   * Throws `unavailable` where all of that is so and the directory has been silent for too long.
   */
  check(token: string, kind: CredentialKind): Promise<{ agent: AgentRecord; extra: number; boot: number }>;
}

const refused = (): PlaneError => new PlaneError('unauthenticated', 'cannot accept this token: it is not valid, or no longer');

export interface CredentialsDeps {
  readonly key: TokenKey;
  readonly store: Store;
  readonly clock: Clock;
  /** Throws `unavailable` while nobody knows whether the agent's owner is still there; absent where no directory says so. */
  readonly confirm?: (agent: AgentRecord) => Promise<void>;
}

export function createCredentials({ key, store, clock, confirm }: CredentialsDeps): Credentials {
  const body = ({ kind, agentId, incarnation, extra, boot = 0 }: Credential): string =>
    `oc1.${kind}.${agentId}.${incarnation}.${extra}.${boot}`;

  function mint(credential: Credential): string {
    const text = body(credential);
    return `${text}.${key.mac(text)}`;
  }

  async function bootOf({ agentId, incarnation }: AgentRecord): Promise<number> {
    const join = await store.get('joins', agentId);
    return join?.incarnation === incarnation ? join.count : 0;
  }

  /** After a rotation the former version lives until the machine runs with the new one, and no longer than a day. */
  async function isLive({ agentId, incarnation, secretsVersion, secretsRotatedAt }: AgentRecord, version: number): Promise<boolean> {
    if (version === secretsVersion) return true;
    if (version !== secretsVersion - 1 || clock.now() >= secretsRotatedAt + retiringMs) return false;
    const heartbeat = await store.get('heartbeats', agentId);
    return heartbeat?.incarnation !== incarnation || heartbeat.secretsVersion !== `${incarnation}.${secretsVersion}`;
  }

  async function check(token: string, kind: CredentialKind): Promise<{ agent: AgentRecord; extra: number; boot: number }> {
    const [, , agentId = '', incarnation = '', extra = '', boot = ''] = token.split('.');
    const credential = { kind, agentId, incarnation: Number(incarnation), extra: Number(extra), boot: Number(boot) };
    if (!key.equal(token, mint(credential))) throw refused();
    const agent = await store.get('agents', agentId);
    if (agent?.desired !== 'running' || agent.incarnation !== credential.incarnation) throw refused();
    // Who is paused has no access; the owner's page may say so.
    if (agent.paused && kind !== 'link') throw refused();
    if (kind === 'model' && !(await isLive(agent, credential.extra))) throw refused();
    if ((kind === 'session' || kind === 'link') && credential.extra <= clock.now()) throw refused();
    if (kind === 'session' && (await bootOf(agent)) !== credential.boot) throw refused();
    await confirm?.(agent);
    return { agent, extra: credential.extra, boot: credential.boot };
  }

  return { mint, check };
}
