import { z } from 'zod';
import type { AuditItem, Verifier } from '../core/audit-verify.ts';
import { readTrail } from '../core/audit-trail.ts';
import type { Store } from '../core/store.ts';
import { canonical, type Hashing, type Json, type Signer } from '../core/surroundings.ts';

const hex = z.string().regex(/^[0-9a-f]{64}$/);
const position = z.strictObject({ chain: z.string(), seq: z.int(), hash: hex });
const actor = z.strictObject({
  kind: z.enum(['user', 'directory', 'plane', 'agent']),
  id: z.string(),
  from: z.string().optional(),
  requestId: z.string().optional(),
  via: z.string().optional(),
});
const json = z.unknown().transform((value) => value as Json);

export const headerSchema = z.strictObject({
  kind: z.literal('openclaw.dev/audit-export'),
  planeId: z.string(),
  exportedAt: z.iso.datetime(),
  keyId: z.string(),
  /** The key that checks it, as PEM; to be compared with one that was kept elsewhere. */
  publicKey: z.string(),
});
export type ExportHeader = z.infer<typeof headerSchema>;

/** The last line: `digest` folds all lines before it, one after the other. */
const endSchema = z.strictObject({
  kind: z.literal('openclaw.dev/audit-export-end'),
  planeId: z.string(),
  lines: z.int(),
  header: hex,
  digest: hex,
  signature: z.string(),
});
type End = z.infer<typeof endSchema>;

const rowSchema = z.strictObject({
  ...{ chain: z.string(), seq: z.int(), at: z.int(), actor, action: z.string(), target: z.string(), detail: json },
  ...{ previous: hex, hash: hex, planeId: z.string(), actorId: z.string(), family: z.string() },
});
const checkpointSchema = z.strictObject({
  ...{ kind: z.literal('openclaw.dev/audit-checkpoint'), planeId: z.string(), seq: z.int(), at: z.int(), previous: hex },
  ...{ heads: z.array(position), keyId: z.string(), signature: z.string() },
});
const itemSchema = z.union([
  z.strictObject({ row: rowSchema }),
  z.strictObject({ head: position }),
  z.strictObject({ checkpoint: checkpointSchema }),
  z.strictObject({ checkpointsEnd: z.strictObject({ seq: z.int(), hash: hex }) }),
  z.strictObject({ header: headerSchema }),
  z.strictObject({ end: endSchema }),
]);

export type ExportLine = AuditItem | { readonly header: ExportHeader } | { readonly end: End };

const toJson = (value: unknown): Json => value as Json;
const signedText = ({ signature: _signature, ...unsigned }: End): string => canonical(unsigned);

export interface ExportDeps {
  readonly store: Store;
  readonly hashing: Hashing;
  readonly signer: Signer;
  readonly publicKeyPem: string;
}

/** A plane's whole trail, one line of canonical JSON after the other, each with its line break; the last one signs all the rest. */
export async function* exportTrail(planeId: string, exportedAt: number, deps: ExportDeps): AsyncGenerator<string> {
  const { store, hashing, signer, publicKeyPem: publicKey } = deps;
  const header: ExportHeader = {
    kind: 'openclaw.dev/audit-export',
    ...{ planeId, exportedAt: new Date(exportedAt).toISOString(), keyId: signer.keyId, publicKey },
  };
  const first = canonical(toJson({ header }));
  let digest = hashing.sha256(first);
  let lines = 1;
  yield `${first}\n`;
  for await (const item of readTrail(store, planeId)) {
    const line = canonical(toJson(item));
    digest = hashing.sha256(digest + line);
    lines += 1;
    yield `${line}\n`;
  }
  const end = { kind: 'openclaw.dev/audit-export-end' as const, planeId, lines, header: hashing.sha256(first), digest, signature: '' };
  yield `${canonical({ end: { ...end, signature: signer.sign(signedText(end)) } })}\n`;
}

/** A line as it was written: the same content spelled otherwise is refused, so that no byte of it is without meaning. */
export function parseLine(text: string): ExportLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const parsed = itemSchema.safeParse(value);
  return parsed.success && canonical(toJson(value)) === text ? (parsed.data as ExportLine) : undefined;
}

export const isSignedEnd = (end: End, verifier: Verifier): boolean => verifier.verify(signedText(end), end.signature);
