import { runPlanes } from './commands/program.ts';

process.exitCode = await runPlanes(process.argv.slice(2), {
  write: (text) => process.stdout.write(text),
  complain: (text) => process.stderr.write(text),
  now: () => Date.now(),
});
