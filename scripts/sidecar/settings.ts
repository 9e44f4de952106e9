import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { PlaneError } from '../../functions/core/errors.ts';
import { isMissing } from '../../functions/providers/infra/system-error.ts';

const secretsSchema = z.object({ provider: z.literal('local'), dir: z.string(), grantsDir: z.string() });

const openclawSchema = z.object({ version: z.string(), node: z.string(), entry: z.string() });

/** What a sidecar needs of its machine.json (functions/providers/infra/local-machine.ts). */
const machineSchema = z.object({
  agentId: z.string(),
  uid: z.optional(z.int()),
  openclaw: openclawSchema,
  /** Further versions that the plane has named and the host has installed. */
  offers: z._default(z.array(openclawSchema), []),
  environment: z.object({
    plane: z.object({ url: z.url() }),
    secrets: secretsSchema,
    /** How often the plane hears of this machine, in milliseconds. */
    heartbeatMs: z._default(z.int().check(z.minimum(100)), 30_000),
  }),
});

export type SecretsSettings = z.infer<typeof secretsSchema>;
export type OpenClaw = z.infer<typeof openclawSchema>;
export type Environment = z.infer<typeof machineSchema>['environment'];

export interface Settings {
  readonly folder: string;
  readonly machine: Omit<z.infer<typeof machineSchema>, 'openclaw' | 'environment'>;
  readonly openclaw: OpenClaw;
  readonly environment: Environment;
}

export function readSettings(folder: string): Settings {
  let text: string;
  try {
    text = readFileSync(join(folder, 'machine.json'), 'utf8');
  } catch (cause) {
    if (!isMissing(cause)) throw cause;
    throw new PlaneError('notFound', `cannot run machine ${folder}: there is no machine.json; the plane makes it`, { cause });
  }
  const parsed = machineSchema.safeParse(JSON.parse(text));
  if (!parsed.success) {
    throw new PlaneError('invalid', `cannot run machine ${folder}: its machine.json is not complete; the plane writes it`, {
      cause: parsed.error,
    });
  }
  const { openclaw, environment, ...machine } = parsed.data;
  return { folder, machine, openclaw, environment };
}
