import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod/mini';
import type { Usage } from '../../shared/sidecar.ts';
import { gatewayTokenName } from '../../shared/sidecar-names.ts';
import type { Line } from './conversation.ts';
import { callGateway } from './gateway-rpc.ts';

/** OpenClaw reads all transcripts for it: up to a minute of work on a busy host (facts/openclaw.md §7). */
const pauseMs = 30 * 60_000;
const firstPauseMs = 5 * 60_000;
const patienceMs = 90_000;
const days = 31;

const count = z.int().check(z.minimum(0));
const costSchema = z.object({ totals: z.object({ input: count, output: count, totalTokens: count }) });

/** Asks OpenClaw now and then what it used; what it does not tell stays as it was. For people to see: money is counted elsewhere. */
export async function followUsage(line: () => Line | undefined, take: (usage: Usage) => void, signal: AbortSignal): Promise<void> {
  await sleep(firstPauseMs, undefined, { signal }).catch(() => undefined);
  while (!signal.aborted) {
    const to = line();
    if (to) {
      try {
        const { [gatewayTokenName]: token = '' } = await to.reader.read([gatewayTokenName]);
        const said = await callGateway({ port: to.port, uid: to.uid, token }, 'usage.cost', { days }, { timeoutMs: patienceMs, signal });
        const { input, output, totalTokens } = costSchema.parse(said).totals;
        take({ days, inputTokens: input, outputTokens: output, totalTokens });
      } catch {
        // It is asked again; a gateway that does not tell is no fault.
      }
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
  }
}
