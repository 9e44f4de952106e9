import type { AgentView } from '../shared/contract.ts';

/** What can be done with one agent, as people read it before they do it. */
export interface Verb {
  readonly title: string;
  /** What fits on a button beside it. */
  readonly short: string;
  readonly icon: string;
  /** What it does, how long that takes and what of the agent survives. */
  readonly does: string;
  /** What is under way once it was accepted; follows "The agent of Alice". */
  readonly begun: string;
  readonly phases: readonly AgentView['phase'][];
  /** A question comes before it: it takes something away, if only for a while. */
  readonly asks: boolean;
}

export const verbs = {
  restart: {
    title: 'Restart',
    short: 'Restart',
    icon: 'restart_alt',
    does: 'Stops OpenClaw and starts it again. It is back in about half a minute; nothing is lost.',
    begun: 'is restarting.',
    phases: ['running'],
    asks: false,
  },
  pause: {
    title: 'Pause',
    short: 'Pause',
    icon: 'pause_circle',
    does: 'Turns the machine off and keeps its disk. The agent answers nobody until it is resumed; nothing is lost.',
    begun: 'is being paused.',
    phases: ['running', 'provisioning'],
    asks: true,
  },
  resume: {
    title: 'Resume',
    short: 'Resume',
    icon: 'play_circle',
    does: 'Turns the machine on again, with everything it knew. That can take a few minutes.',
    begun: 'is coming back.',
    phases: ['paused'],
    asks: false,
  },
  rotate: {
    title: 'Rotate secrets',
    short: 'Rotate',
    icon: 'key',
    does: 'Makes new secrets and hands them to the machine. The old ones stop working once the new ones are in use.',
    begun: 'gets new secrets.',
    phases: ['running'],
    asks: false,
  },
  backUp: {
    title: 'Back up',
    short: 'Back up',
    icon: 'backup',
    does: 'Stores an encrypted copy of its workspace and memory. The agent goes on working meanwhile.',
    begun: 'is being backed up.',
    phases: ['running'],
    asks: false,
  },
  reprovision: {
    title: 'Reprovision',
    short: 'Reprovision',
    icon: 'published_with_changes',
    does: 'Backs the agent up, deletes its machine, makes a fresh one and brings memory and settings back. It is away for some minutes.',
    begun: 'gets a fresh machine.',
    phases: ['running'],
    asks: true,
  },
  upgrade: {
    title: 'Upgrade OpenClaw',
    short: 'Upgrade',
    icon: 'upgrade',
    does: 'Backs the agent up, changes to another version and tries a prompt. If that fails, the version before comes back.',
    begun: 'is being upgraded.',
    phases: ['running'],
    asks: true,
  },
} as const satisfies Readonly<Record<string, Verb>>;

export type VerbName = keyof typeof verbs;
export const isVerb = (name: string): name is VerbName => Object.keys(verbs).includes(name);
