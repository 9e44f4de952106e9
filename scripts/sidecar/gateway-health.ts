import * as z from 'zod/mini';
import { findListener } from './gateway-port.ts';
import { ask } from './http.ts';

export interface Health {
  /** `/healthz`: it answers. The only one that decides about restarts. */
  readonly live: boolean;
  /** `/startupz`: it takes turns of the agent. */
  readonly started: boolean;
  /** `/readyz`: its channels are well too. For people to see. */
  readonly ready: boolean;
}

const lookTimeoutMs = 5_000;

const liveSchema = z.object({ ok: z.literal(true) });
const startedSchema = z.object({ status: z.literal('started') });
const readySchema = z.object({ ready: z.literal(true) });

/** Whether a path answers 200 with the body that proves it; a busy or silent gateway is an answer too. */
async function says(url: string, schema: z.ZodMiniType): Promise<boolean> {
  try {
    const { status, text } = await ask(url, { timeoutMs: lookTimeoutMs });
    return status === 200 && schema.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

/** True when the port is the agent's own, so that it may be trusted with the gateway's token. */
export const isOwnPort = (port: number, uid: number | undefined): boolean => uid === undefined || findListener(port) === uid;

/** The gateway's own word on its health; another process that listens on its port counts as silence. */
export async function look(port: number, uid: number | undefined): Promise<Health> {
  const base = `http://127.0.0.1:${port}`;
  const live = isOwnPort(port, uid) && (await says(`${base}/healthz`, liveSchema));
  const ready = live && (await says(`${base}/readyz`, readySchema));
  return { live, ready, started: ready || (live && (await says(`${base}/startupz`, startedSchema))) };
}
