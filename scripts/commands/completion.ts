import { PlaneError } from '../../functions/core/errors.ts';
import { command, type CommandRow } from './command.ts';
import { choice } from './flags.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

/** Asked of the program itself at each tab, so that what is offered is what this version knows. */
const scripts: Readonly<Record<(typeof shells)[number], string>> = {
  bash: `_planes() {
  local IFS=$'\\n'
  COMPREPLY=( $(planes complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null) )
}
complete -o default -F _planes planes
`,
  zsh: `#compdef planes
_planes() {
  local -a found
  found=(\${(f)"$(planes complete "\${(@)words[2,CURRENT]}" 2>/dev/null)"})
  if (( \${#found} )); then compadd -a found; else _files; fi
}
compdef _planes planes
`,
  fish: `complete -c planes -a '(planes complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
};

const longOf = (flags: string): string => /--[\w-]+/.exec(flags)?.[0] ?? '';

/** What may come next on a line; nothing where only a file or somebody's own word can. */
export function complete(commands: readonly CommandRow[], words: readonly string[]): string[] {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const verbs = before.filter((word) => !word.startsWith('-'));
  const row = [2, 1]
    .map((length) => commands.find(({ path }) => path === verbs.slice(0, length).join(' ')))
    .find((found) => found !== undefined);
  const fits = (offered: readonly string[]): string[] => offered.filter((word) => word.startsWith(typed)).toSorted();
  if (!row) {
    const group = verbs.length === 0 ? '' : `${verbs.join(' ')} `;
    const next = commands.filter(({ path }) => path.startsWith(group)).map(({ path }) => path.slice(group.length).split(' ')[0] ?? '');
    return fits([...new Set(next)]);
  }
  const last = before.at(-1) ?? '';
  const flag = Object.values(row.flags).find(({ flags }) => longOf(flags) === last);
  if (flag?.choices) return fits(flag.choices);
  if (flag && flag.flags.includes('<')) return [];
  const common = ['--json', '--output', '--context', '--data', '--help'];
  const more = [...(row.changes ? ['--dry-run'] : []), ...(row.asks ? ['--yes'] : []), ...(row.watches ? ['--detach'] : [])];
  return typed.startsWith('-') || row.argument === undefined
    ? fits([...Object.values(row.flags).map(({ flags }) => longOf(flags)), ...common, ...more])
    : [];
}

export const completion = command({
  path: 'completion',
  summary: 'print what makes a shell complete these commands',
  argument: { spec: '[shell]', description: `one of ${shells.join(', ')}` },
  flags: { shell: choice('--shell <shell>', 'the same as the argument', shells) },
  examples: ['source <(planes completion bash)', 'planes completion fish > ~/.config/fish/completions/planes.fish'],
  async run({ output }, { shell }, argument) {
    const wanted = shells.find((one) => one === (argument ?? shell));
    if (!wanted) throw new PlaneError('invalid', `cannot write completion: name a shell; there are ${shells.join(', ')}`);
    output.write(scripts[wanted]);
  },
});
