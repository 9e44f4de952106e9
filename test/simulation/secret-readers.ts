import type { Cloud, Namespace } from './cloud.ts';
import type { Memory } from './store-port.ts';
import { planeId } from './wiring.ts';

export interface SecretReadersDeps {
  readonly cloud: Cloud;
  readonly documents: Memory;
  readonly fail: (what: string) => void;
}

/** As `credentials.ts` writes tokens: the agent that one is for is its third part. */
const agentOfToken = (value: string): string | undefined => (value.startsWith('oc1.') ? value.split('.')[2] : undefined);

/** Lets every principal there is try to read every agent's secrets. */
export function createSecretReaders({ cloud, documents, fail }: SecretReadersDeps) {
  const { principals, namespaces } = cloud.shelves;
  /** Namespaces are replaced and never changed, so each is looked into once. */
  const looked = new WeakSet<Namespace>();
  let tried = -1;
  let reading: [readerId: string, agentId: string][] = [];

  function lookInto(agentId: string, namespace: Namespace): void {
    if (looked.has(namespace)) return;
    looked.add(namespace);
    for (const [name, value] of Object.entries(namespace.values)) {
      const owner = agentOfToken(value);
      if (owner !== undefined && owner !== agentId) fail(`6: ${name} of ${owner} lies among the secrets of ${agentId}`);
    }
  }

  /** Since its access was taken from an agent that is to go, nobody reads what was its. */
  function isRevoked(agentId: string): boolean {
    const agent = documents.peek('agents', agentId);
    const status = documents.peek('statuses', agentId);
    return agent?.desired === 'removed' && status?.incarnation === agent.incarnation && status.removal?.revokedAt !== undefined;
  }

  /** Everybody asks for everything; who was given what stays so until something changes. */
  function tryAll(): void {
    tried = cloud.changes();
    reading = [];
    const readers = principals.all();
    for (const [agentId, namespace] of namespaces.all()) {
      if (namespace.planeId !== planeId) continue;
      lookInto(agentId, namespace);
      for (const [, reader] of readers) {
        if (!cloud.read(reader.id, agentId)) continue;
        if (reader.agentId !== agentId || reader.planeId !== planeId) fail(`6: ${reader.id} reads the secrets of ${agentId}`);
        else reading.push([reader.id, agentId]);
      }
    }
  }

  return {
    /** What must hold between any two steps. */
    check(): void {
      if (cloud.changes() !== tried) tryAll();
      for (const [readerId, agentId] of reading)
        if (isRevoked(agentId)) fail(`6: ${readerId} still reads the secrets of ${agentId} after they were revoked`);
    },
    /** Every value that gives access to something now. */
    values: (): string[] =>
      namespaces.all().flatMap(([, { values }]) => Object.values(values).filter((value) => agentOfToken(value) !== undefined)),
  };
}
export type SecretReaders = ReturnType<typeof createSecretReaders>;
