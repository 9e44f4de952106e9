import * as z from 'zod/mini';
import type { AsAgent } from './as-agent.ts';
import { toEnvironment } from './habitat.ts';
import type { OpenClaw } from './settings.ts';

/** How long a command of OpenClaw's may take: 2 to 5 s on an idle host (facts/openclaw.md §2.4). */
const patienceMs = 90_000;
/** The longest output that is kept, in characters. */
const longestOutput = 64 * 1024;

export interface CommandLine {
  readonly folder: string;
  readonly agent: Pick<AsAgent, 'run'>;
}

/** Runs OpenClaw once, as the agent; answers what it said on standard output, whatever its exit code. */
async function run(args: readonly string[], openclaw: OpenClaw, { folder, agent }: CommandLine): Promise<string> {
  const task = agent.run([openclaw.node, openclaw.entry, ...args], toEnvironment(folder, openclaw));
  const patience = setTimeout(() => task.kill(), patienceMs);
  let output = '';
  task.input.on('error', () => undefined).end();
  task.output.setEncoding('utf8').on('data', (chunk: string) => (output = (output + chunk).slice(0, longestOutput)));
  await task.ended.finally(() => clearTimeout(patience));
  return output;
}

const verdictSchema = z.object({
  valid: z.boolean(),
  issues: z.optional(z.array(z.object({ path: z.string(), message: z.string() }))),
});

const mostIssues = 5;

/** What this OpenClaw finds wrong with the machine's config, in its own words; `undefined` when it accepts it. */
export async function findConfigFault(openclaw: OpenClaw, machine: CommandLine): Promise<string | undefined> {
  let verdict: z.infer<typeof verdictSchema>;
  try {
    verdict = verdictSchema.parse(JSON.parse(await run(['config', 'validate', '--json'], openclaw, machine)));
  } catch {
    return 'it does not say why';
  }
  if (verdict.valid) return undefined;
  const issues = (verdict.issues ?? []).slice(0, mostIssues).map(({ path, message }) => `${path}: ${message}`);
  return issues.length === 0 ? 'it does not say why' : issues.join('; ');
}
