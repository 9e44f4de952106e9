import { z } from 'zod';
import { PlaneError } from '../../functions/core/errors.ts';
import { readMachine, type Machine } from '../../functions/providers/infra/local-machine.ts';

const secretsSchema = z.object({ provider: z.literal('local'), dir: z.string(), grantsDir: z.string() });

const environmentSchema = z.object({
  plane: z.object({ url: z.url() }),
  secrets: secretsSchema,
  /** How often the plane hears of this machine, in milliseconds. */
  heartbeatMs: z.int().min(100).default(30_000),
});

export type SecretsSettings = z.infer<typeof secretsSchema>;
export type Environment = z.infer<typeof environmentSchema>;

export interface Settings {
  readonly folder: string;
  readonly machine: Machine;
  readonly openclaw: NonNullable<Machine['openclaw']>;
  readonly environment: Environment;
}

export function readSettings(folder: string): Settings {
  const machine = readMachine(folder);
  if (!machine) throw new PlaneError('notFound', `cannot run machine ${folder}: there is no such folder; the plane makes it`);
  const environment = environmentSchema.safeParse(machine.environment);
  if (!machine.openclaw || !environment.success) {
    throw new PlaneError('invalid', `cannot run machine ${folder}: its machine.json is not complete; the plane writes it`, {
      cause: environment.error,
    });
  }
  return { folder, machine, openclaw: machine.openclaw, environment: environment.data };
}
