import { runPlanes } from '../commands/program.ts';
import { createTerminal } from '../commands/terminal.ts';

/** As much of commander as OpenClaw hands to a plugin. */
interface Program {
  command(name: string): Program;
  description(text: string): Program;
  argument(spec: string): Program;
  allowUnknownOption(): Program;
  helpOption(flags: false): Program;
  action(run: () => Promise<void>): Program;
}

/** https://docs.openclaw.ai/plugins: as much of a plugin's API as is used here. */
interface PluginApi {
  registerCli(
    register: (given: { program: Program }) => void,
    options: { descriptors: readonly { name: string; description: string; hasSubcommands: boolean }[] },
  ): void;
}

const description = 'Provision and govern isolated OpenClaw agents (Agents Plane)';

/** The words behind `planes`, as they were typed: OpenClaw's own reading of them would lose their order. */
const wordsOf = (argv: readonly string[]): string[] => argv.slice(argv.indexOf('planes') + 1);

export default {
  id: 'agents-plane',
  name: 'Agents Plane',
  description,
  register(api: PluginApi) {
    api.registerCli(
      ({ program }) => {
        program
          .command('planes')
          .description(description)
          .argument('[words...]')
          .allowUnknownOption()
          .helpOption(false)
          .action(async () => {
            process.exitCode = await runPlanes(wordsOf(process.argv), createTerminal(), 'openclaw planes');
          });
      },
      { descriptors: [{ name: 'planes', description, hasSubcommands: true }] },
    );
  },
};
