import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { approvalStates } from '../../shared/views.ts';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import { createClient, readEndpoint, type Client } from '../client.ts';
import { list, logs, receipt, status } from './agents.ts';
import { approvals, decide } from './approvals.ts';
import { verify } from './audit.ts';
import { explain } from './explain.ts';
import { toPlain, type Output } from './output.ts';

interface Surroundings {
  readonly write: (text: string) => void;
  readonly complain: (text: string) => void;
  readonly now: () => number;
}

/** Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 checked and found broken. */
export const exitCodes = { done: 0, failed: 1, usage: 2, broken: 3 } as const;

function toLines(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1000) throw new InvalidArgumentError('allowed: a whole number from 1 to 1000');
  return value;
}

function createProgram({ write, complain, now }: Surroundings, finish: (code: number) => void): Command {
  const program = new Command('planes')
    .description('Provision and govern isolated OpenClaw agents')
    .showHelpAfterError()
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: complain });

  interface Common {
    readonly data: string;
    readonly json?: boolean;
  }
  const common = (command: Command): Command =>
    command.option('--data <folder>', 'data folder of the running plane', '.plane').option('--json', 'answer as JSON');
  const act =
    <T extends Common>(run: (client: Client, output: Output, options: T) => Promise<void>) =>
    (options: T) =>
      run(createClient(readEndpoint(options.data)), { json: options.json ?? false, write }, options);

  common(program.command('list').description('list planes')).action(act(list));
  common(program.command('status').description('show every agent: phase, health, last heartbeat'))
    .option('--plane <name>', 'one plane only')
    .action(
      act<Common & { plane?: string }>((client, output, { plane }) =>
        status(client, output, { now: now(), ...(plane === undefined ? {} : { plane }) }),
      ),
    );
  const agentCommand = (name: string, description: string): Command =>
    common(program.command(name).description(description))
      .requiredOption('--plane <name>', 'its plane')
      .requiredOption('--name <agent>', 'its name, id or owner');
  agentCommand('logs', 'show the last lines an agent wrote')
    .option('--lines <count>', 'how many lines', toLines, 100)
    .action(act<Common & { plane: string; name: string; lines: number }>(logs));
  agentCommand('receipt', 'show the signed proof that an agent was removed').action(act<Common & { plane: string; name: string }>(receipt));
  common(program.command('explain').description('say why a user\u2019s agent has the policy it has'))
    .requiredOption('--plane <name>', 'the plane')
    .requiredOption('--user <user>', 'an e-mail address or a directory id')
    .action(act<Common & { plane: string; user: string }>(explain));
  common(program.command('approvals').description('list changes of policy that wait for an admin, or were decided'))
    .option('--plane <name>', 'the plane', 'acme')
    .addOption(new Option('--state <state>', 'those in one state only').choices(approvalStates))
    .action(act<Common & { plane: string; state?: string }>(approvals));
  const decideCommand = (name: 'approve' | 'deny', description: string): Command =>
    common(program.command(name).description(description))
      .option('--plane <name>', 'the plane', 'acme')
      .requiredOption('--id <approval>', 'as `planes approvals` shows it')
      .option('--reason <text>', 'why, for the audit log')
      .action(
        act<Common & { plane: string; id: string; reason?: string }>((client, output, { plane, id, reason }) =>
          decide(client, output, { plane, id, decision: name, ...(reason === undefined ? {} : { reason }) }),
        ),
      );
  decideCommand('approve', 'let a change of policy create or remove its agents');
  decideCommand('deny', 'leave the agents of a change of policy as they are');
  common(program.command('audit').description('the audit log').command('verify').description('check every hash chain'))
    .option('--plane <name>', 'the plane', 'acme')
    .action(
      act<Common & { plane: string }>(async (client, output, options) =>
        finish((await verify(client, output, options)) ? exitCodes.done : exitCodes.broken),
      ),
    );
  return program;
}

/** Runs one command line; answers its exit code. */
export async function runPlanes(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  let code: number = exitCodes.done;
  try {
    await createProgram(surroundings, (next) => {
      code = next;
    }).parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    surroundings.complain(`${toPlain(toMessage(error))}\n`);
    if (!(error instanceof PlaneError) && error instanceof Error) surroundings.complain(`${error.stack ?? ''}\n`);
    return exitCodes.failed;
  }
  return code;
}
