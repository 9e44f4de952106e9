import { runPlanes } from './commands/program.ts';
import { createTerminal } from './commands/terminal.ts';

process.exitCode = await runPlanes(process.argv.slice(2), createTerminal());
