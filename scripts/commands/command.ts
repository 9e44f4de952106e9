import type { Client, Endpoint } from '../client.ts';
import type { Flags, Values } from './flags.ts';
import type { Output } from './output.ts';
import type { Surroundings } from './surroundings.ts';

/** One run of a command: the plane, where to write, and what was said for all commands alike. */
export interface Call {
  /** Every change carries an Idempotency-Key of its own. */
  readonly client: Client;
  /** Throws where no plane is connected. */
  readonly endpoint: () => Promise<Endpoint>;
  readonly output: Output;
  readonly surroundings: Surroundings;
  /** Says something to people, beside what was asked for. */
  readonly say: (text: string) => void;
  readonly dryRun: boolean;
  /** What would be asked is answered with yes. */
  readonly yes: boolean;
  /** Leave as soon as the plane has taken on the work. */
  readonly detach: boolean;
  /** The plane that was named, or the only one there is. */
  readonly planeOf: (named: string | undefined) => Promise<string>;
}

export interface CommandRow {
  /** `operations watch`; the words before the last are a group of commands. */
  readonly path: string;
  readonly summary: string;
  /** What a group does when no command of it is named. */
  readonly usual?: boolean;
  readonly argument?: { readonly spec: string; readonly description: string };
  readonly flags: Flags;
  /** Changes something: has --dry-run. */
  readonly changes?: boolean;
  /** Destroys something: asks, unless --yes. */
  readonly asks?: boolean;
  /** Watches work that takes long: has --detach. */
  readonly watches?: boolean;
  /** Examples for the help. */
  readonly examples?: readonly string[];
  /** Answers the exit code where it is not 0. */
  run(call: Call, values: Readonly<Record<string, unknown>>, argument: string | undefined): Promise<number | void>;
}

/** Ties a command's flags to the values it is run with. */
export const command = <const F extends Flags>(
  row: Omit<CommandRow, 'flags' | 'run'> & {
    readonly flags: F;
    run(call: Call, values: Values<F>, argument: string | undefined): Promise<number | void>;
  },
): CommandRow => ({
  ...row,
  // What commander read by these very flags.
  run: (call, values, argument) => row.run(call, values as Values<F>, argument),
});
