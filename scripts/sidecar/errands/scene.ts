import type { Channel } from '../../../shared/agent.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Assignment, WhatsappState } from '../../../shared/sidecar.ts';
import { PlaneError } from '../../../functions/core/errors.ts';
import type { Clock } from '../../../functions/core/surroundings.ts';
import type { AsAgent } from '../as-agent.ts';
import type { Line, takeTurn } from '../conversation.ts';
import type { Gateway } from '../gateway.ts';
import type { OpenClawChoice } from '../openclaw-version.ts';
import type { SecretsReader } from '../secrets-reader.ts';
import type { Session } from '../session.ts';
import type { Swap } from '../swap.ts';

/** The secrets that OpenClaw runs with. */
export interface SecretsInForce {
  readonly version: string;
  readonly token: string;
}

/** What errands may use of their machine. */
export interface Scene {
  readonly folder: string;
  readonly agent: AsAgent;
  readonly swap: Swap;
  readonly gateway: Gateway;
  readonly session: Session;
  readonly reader: SecretsReader;
  readonly openclaw: OpenClawChoice;
  /** The sidecar's own bundle. */
  readonly program: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly turn: typeof takeTurn;
  readonly assignment: () => Assignment;
  /** Throws `unavailable` while the gateway takes no turns. */
  readonly line: () => Line;
  readonly secretsInForce: () => SecretsInForce;
  readonly setSecretsInForce: (secrets: SecretsInForce) => void;
  /** The channels of the assignment that the host has no plugin for yet. */
  readonly missingChannels: () => readonly Channel[];
  readonly showWhatsapp: (state: WhatsappState | undefined) => void;
}

const gateMs = 300_000;
const lookMs = 250;

/** Waits until the gateway takes turns; throws its reason when it fell or took too long. */
export async function awaitStart(gateway: Gateway, signal: AbortSignal): Promise<void> {
  const deadline = AbortSignal.timeout(gateMs);
  for (;;) {
    const { started, fallen, detail } = gateway.state();
    if (started) return;
    if (fallen !== undefined) throw new PlaneError('preconditionFailed', fallen);
    if (gateway.restarts() > 0 && detail?.startsWith('OpenClaw ended')) throw new PlaneError('preconditionFailed', detail);
    if (deadline.aborted)
      throw new PlaneError('timeout', `OpenClaw did not start within ${gateMs / 1_000} s: ${detail ?? 'no reason given'}`);
    await sleep(lookMs, undefined, { signal });
  }
}

/** The agent answers a prompt of ours, in a session of its own. */
export async function provePrompt({ turn, line, assignment }: Scene, signal: AbortSignal): Promise<void> {
  await turn(line(), assignment().agentId, 'This is a check by the plane. Answer with the one word: ready', signal, 'plane-check');
}

/** Ids come from the plane and go into a path. */
export function readId(args: Readonly<Record<string, string>>, name: string): string {
  const id = args[name] ?? '';
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/.test(id)) return id;
  throw new PlaneError('invalid', `cannot read the command: its ${name} is missing or not of the agreed form`);
}
