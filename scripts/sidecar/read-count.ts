import type { SecretReads } from '../../shared/sidecar.ts';
import type { SecretsReader } from './secrets-reader.ts';
import { followLog } from './follow-log.ts';

/** Names that one run of a sidecar counts at most; join tokens have a new one each time. */
const mostNames = 50;

export interface ReadCount {
  /** The same reader, whose reads are counted by name. */
  of(who: 'agent' | 'sidecar', reader: SecretsReader): SecretsReader;
  /** The agent asked for a name that is not for it. */
  readonly refuse: () => void;
  told(): SecretReads;
}

/** What OpenClaw 2026.9.6 logs when somebody with its gateway token would change its config. */
const configRefusal = 'ConfigReadOnlyError';

/** Counts who reads which secret and what is refused here, for the plane's audit trail. No value is looked at. */
export function createReadCount(since: number, gatewayLog: string): ReadCount {
  const counts = { agent: new Map<string, number>(), sidecar: new Map<string, number>() };
  let refused = 0;
  const configRefusals = followLog(gatewayLog, configRefusal);

  return {
    of: (who, reader) => ({
      names: () => reader.names(),
      async read(names) {
        const values = await reader.read(names);
        const count = counts[who];
        for (const name of names) if (count.has(name) || count.size < mostNames) count.set(name, (count.get(name) ?? 0) + 1);
        return values;
      },
    }),
    refuse: () => void (refused += 1),
    told: () => ({
      since,
      agent: Object.fromEntries(counts.agent),
      sidecar: Object.fromEntries(counts.sidecar),
      refused: { secrets: refused, config: configRefusals() },
    }),
  };
}
