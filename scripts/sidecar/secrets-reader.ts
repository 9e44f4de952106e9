import { openNamespace } from '../../functions/providers/secrets/local-vault.ts';
import type { LocalSecrets } from './settings.ts';

/** Reads the agent's own secrets with the machine's identity; nothing is kept. */
export interface SecretsReader {
  names(): Promise<readonly string[]>;
  /** Throws when one of the names is not there or no longer granted. */
  read(names: readonly string[]): Promise<Readonly<Record<string, string>>>;
}

export function createLocalReader({ dir, grantsDir }: LocalSecrets, agentId: string): SecretsReader {
  const open = () => openNamespace({ dir, grantsDir, agentId });
  return {
    names: async () => open().names(),
    read: async (names) => {
      const namespace = open();
      return Object.fromEntries(names.map((name) => [name, namespace.read(name)]));
    },
  };
}

/** `join/<incarnation>-<number>`: the newest one, or `undefined`. */
export function newestJoin(names: readonly string[]): string | undefined {
  const numbered = names.flatMap((name) => {
    const found = /^join\/(?:(\d+)-)?(\d+)$/.exec(name);
    return found ? [{ name, incarnation: Number(found[1] ?? 0), number: Number(found[2]) }] : [];
  });
  numbered.sort((a, b) => a.incarnation - b.incarnation || a.number - b.number);
  return numbered.at(-1)?.name;
}
