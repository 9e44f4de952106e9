import type { CliConfig } from '../../functions/config-cli.ts';

/** All that a command touches besides the plane and files that it was named. */
export interface Surroundings {
  /** Standard output: what was asked for. */
  readonly write: (text: string) => void;
  /** Standard error: progress, questions and complaints. */
  readonly complain: (text: string) => void;
  readonly now: () => number;
  readonly random: () => string;
  readonly config: CliConfig;
  /** An IANA name, in which people read times. */
  readonly timeZone: string;
  /** Columns of the terminal that complaints go to; absent where they go elsewhere. */
  readonly columns?: number;
  /** Whether standard output is a terminal. */
  readonly terminal: boolean;
  /** Asks a person; absent where nobody is there. */
  readonly ask?: (question: string) => Promise<string>;
  /** Runs a line of shell and answers what it wrote. */
  readonly shell: (line: string) => Promise<string>;
  /** Lets work see Ctrl-C instead of ending at once. */
  readonly interruptible: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>;
  /** Waits; ends early, without a word, when the signal fires. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}
