import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { contract } from '../../shared/contract.ts';
import { PlaneError, toMessage } from '../../functions/core/errors.ts';
import { createClient, type Client } from '../client.ts';
import type { Call, CommandRow } from './command.ts';
import { complete } from './completion.ts';
import { choose, type Chosen } from './connection.ts';
import { exitCodeHelp, exitCodes, toExitCode, toNextStep } from './exit-codes.ts';
import type { Flag } from './flags.ts';
import { formats, toPlain, type Format } from './output.ts';
import type { Surroundings } from './surroundings.ts';
import { commands } from './table.ts';

interface Common {
  readonly json?: boolean;
  readonly output?: string;
  readonly context?: string;
  readonly data?: string;
  readonly idempotencyKey?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly detach?: boolean;
}

function addFlag(command: Command, { flags, description, required, fallback, read }: Flag<unknown>): void {
  const option = new Option(flags, description).makeOptionMandatory(required);
  if (fallback !== undefined && fallback !== false) option.default(fallback);
  if (read) {
    option.argParser((text, before: unknown) => {
      try {
        return read(text, before);
      } catch (error) {
        throw new InvalidArgumentError(toMessage(error));
      }
    });
  }
  command.addOption(option);
}

const isFormat = (text: string): text is Format => formats.some((format) => format === text);

function toFormat({ json, output }: Common, own: boolean): Format {
  if (json) return 'json';
  if (output === undefined || own) return output !== undefined && isFormat(output) ? output : 'table';
  if (isFormat(output)) return output;
  throw new PlaneError('invalid', `cannot write ${output}: there are ${formats.join(', ')}`);
}

function createCall(row: CommandRow, common: Common, surroundings: Surroundings): Call {
  let chosen: Promise<Chosen> | undefined;
  const connect = (): Promise<Chosen> => (chosen ??= choose(common, surroundings));
  let keys = 0;
  const client: Client = async (operation, input = {}) => {
    const { endpoint } = await connect();
    if (contract[operation].method !== 'get') {
      const idempotencyKey = common.idempotencyKey === undefined ? surroundings.random() : `${common.idempotencyKey}-${(keys += 1)}`;
      return createClient(endpoint)(operation, { ...input, idempotencyKey });
    }
    try {
      return await createClient(endpoint)(operation, input);
    } catch (error) {
      // A plane that was started again may be elsewhere and wants another token.
      if (error instanceof PlaneError && ['unavailable', 'unauthenticated'].includes(error.code)) chosen = undefined;
      throw error;
    }
  };
  return {
    client,
    surroundings,
    endpoint: async () => (await connect()).endpoint,
    output: {
      format: toFormat(common, 'output' in row.flags || 'out' in row.flags),
      colors: surroundings.terminal && surroundings.config.colors,
      timeZone: surroundings.timeZone,
      write: surroundings.write,
    },
    say: (text) => surroundings.complain(`${toPlain(text)}\n`),
    dryRun: common.dryRun ?? false,
    yes: common.yes ?? false,
    detach: common.detach ?? false,
    async planeOf(named) {
      const meant = named ?? (await connect()).plane;
      if (meant !== undefined) return meant;
      const { planes } = await client('listPlanes');
      const [only] = planes;
      if (only && planes.length === 1) return only.planeId;
      const names = planes.map(({ planeId }) => planeId).join(', ');
      throw new PlaneError(
        'invalid',
        only
          ? `cannot tell which plane is meant: there are ${names}; say --plane`
          : 'cannot tell which plane is meant: there is none yet; `planes create` makes one',
      );
    },
  };
}

function addCommon(command: Command, row: CommandRow): void {
  command.option('--json', 'answer as JSON');
  if (!('out' in row.flags)) command.option('-o, --output <format>', `answer as one of ${formats.join(', ')}`);
  command
    .option('--context <name>', 'another plane that `planes connect` knows')
    .option('--data <folder>', 'the running plane of this data folder (.plane, where nothing is connected)');
  if (row.changes) command.option('--dry-run', 'say what would happen, and change nothing');
  if (row.changes) command.option('--idempotency-key <key>', 'the same key again makes the same change only once');
  if (row.asks) command.option('-y, --yes', 'do not ask');
  if (row.watches) command.option('--detach', 'leave as soon as the plane has taken it on');
}

/** The whole program as commander knows it. */
export function createProgram(surroundings: Surroundings, finish: (code: number) => void, name = 'planes'): Command {
  const { write, complain } = surroundings;
  const program = new Command(name)
    .description('Provision and govern isolated OpenClaw agents')
    .showHelpAfterError('(--help shows what there is)')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeOut: write, writeErr: complain })
    .addHelpText('after', `\n${exitCodeHelp}`);
  const groups = new Map<string, Command>();
  const groupOf = (words: readonly string[]): Command => {
    const [word] = words;
    if (word === undefined) return program;
    const known = groups.get(word);
    if (known) return known;
    const made = program.command(word).description(`${word}: ${commandsOf(word).join(', ')}`);
    groups.set(word, made);
    return made;
  };
  for (const row of commands) {
    const words = row.path.split(' ');
    const last = words.pop() ?? '';
    const command = groupOf(words)
      .command(last, row.usual ? { isDefault: true } : {})
      .description(row.summary);
    if (row.argument) command.argument(row.argument.spec, row.argument.description);
    for (const flag of Object.values(row.flags)) addFlag(command, flag);
    addCommon(command, row);
    if (row.examples) command.addHelpText('after', `\nExamples:\n${row.examples.map((line) => `  $ ${line}`).join('\n')}`);
    command.action(async (...given: unknown[]) => {
      const values = command.opts<Common & Record<string, unknown>>();
      const argument = row.argument && typeof given[0] === 'string' ? given[0] : undefined;
      const said = Object.fromEntries(
        Object.entries(row.flags).map(([key, { flags, fallback }]) => [key, values[new Option(flags).attributeName()] ?? fallback]),
      );
      finish((await row.run(createCall(row, values, surroundings), said, argument)) ?? exitCodes.done);
    });
  }
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action((words: string[]) => {
      for (const word of complete(commands, words)) write(`${word}\n`);
    });
  return program;
}

const commandsOf = (word: string): string[] =>
  commands.filter(({ path }) => path.startsWith(`${word} `)).map(({ path }) => path.slice(word.length + 1));

/** Runs one command line; answers its exit code. */
export async function runPlanes(argv: readonly string[], surroundings: Surroundings, name?: string): Promise<number> {
  let code: number = exitCodes.done;
  try {
    await createProgram(surroundings, (next) => (code = next), name).parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    surroundings.complain(`${toPlain(toMessage(error))}\n`);
    if (error instanceof PlaneError) {
      for (const { path, found, allowed } of error.problems.filter((problem) => !error.message.includes(problem.path))) {
        surroundings.complain(toPlain(`  ${path}: found ${found}; allowed: ${allowed}\n`));
      }
      const next = toNextStep(error.code);
      if (next) surroundings.complain(`${next}\n`);
      return toExitCode(error.code);
    }
    if (error instanceof Error) surroundings.complain(`${error.stack ?? ''}\n`);
    return exitCodes.failed;
  }
  return code;
}
