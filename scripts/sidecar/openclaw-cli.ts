import { spawn } from 'node:child_process';
import * as z from 'zod/mini';
import type { Habitat } from '../../functions/providers/infra/local-processes.ts';
import { toCommand, toEnvironment } from './habitat.ts';
import type { OpenClaw } from './settings.ts';

/** How long a command of OpenClaw's may take: 2 to 5 s on an idle host (facts/openclaw.md §2.4). */
const patienceMs = 90_000;
/** The longest output that is kept, in characters. */
const longestOutput = 64 * 1024;

/** Runs OpenClaw once, as the agent; answers what it said on standard output, whatever its exit code. */
async function run(args: readonly string[], openclaw: OpenClaw, { folder, uid }: Habitat): Promise<string> {
  const [command = '', ...rest] = toCommand(uid, [openclaw.node, openclaw.entry, ...args]);
  const env = toEnvironment(folder, openclaw);
  const child = spawn(command, rest, { cwd: '/', env, stdio: ['ignore', 'pipe', 'ignore'], timeout: patienceMs, killSignal: 'SIGKILL' });
  let output = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (chunk: string) => (output = (output + chunk).slice(0, longestOutput)));
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => resolve());
  });
  return output;
}

const verdictSchema = z.object({
  valid: z.boolean(),
  issues: z.optional(z.array(z.object({ path: z.string(), message: z.string() }))),
});

const mostIssues = 5;

/** What this OpenClaw finds wrong with the machine's config, in its own words; `undefined` when it accepts it. */
export async function findConfigFault(openclaw: OpenClaw, habitat: Habitat): Promise<string | undefined> {
  let verdict: z.infer<typeof verdictSchema>;
  try {
    verdict = verdictSchema.parse(JSON.parse(await run(['config', 'validate', '--json'], openclaw, habitat)));
  } catch {
    return 'it does not say why';
  }
  if (verdict.valid) return undefined;
  const issues = (verdict.issues ?? []).slice(0, mostIssues).map(({ path, message }) => `${path}: ${message}`);
  return issues.length === 0 ? 'it does not say why' : issues.join('; ');
}
