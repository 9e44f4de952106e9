import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { PlaneError } from '../../functions/core/errors.ts';
import { isMissing } from '../../functions/providers/infra/system-error.ts';

const localSecretsSchema = z.object({ provider: z.literal('local'), dir: z.string(), grantsDir: z.string() });
/** The plane itself gives them. `path` is the file in which the next join token is kept. */
const planeSecretsSchema = z.object({ provider: z.literal('plane'), path: z.string() });

const openclawSchema = z.object({ version: z.string(), node: z.string(), entry: z.string() });

const channelPluginSchema = z.object({ channel: z.string(), openclaw: z.string(), folder: z.string() });

/** What a sidecar needs of its machine.json (functions/providers/infra/local-machine.ts). */
const machineSchema = z.object({
  agentId: z.string(),
  uid: z.optional(z.int()),
  /** Where to ask systemd for what is done as the agent; absent where the sidecar is root. */
  units: z.optional(z.object({ control: z.string(), errand: z.string() })),
  openclaw: openclawSchema,
  /** Further versions that the plane has named and the host has installed. */
  offers: z._default(z.array(openclawSchema), []),
  /** Channels that OpenClaw does not bring, as the host holds them, each for one version. */
  plugins: z._default(z.array(channelPluginSchema), []),
  environment: z.object({
    plane: z.object({ url: z.url() }),
    secrets: z.union([localSecretsSchema, planeSecretsSchema]),
    /** How often the plane hears of this machine, in milliseconds. */
    heartbeatMs: z._default(z.int().check(z.minimum(100)), 30_000),
  }),
});

export type LocalSecrets = z.infer<typeof localSecretsSchema>;
export type ChannelPlugin = z.infer<typeof channelPluginSchema>;
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
