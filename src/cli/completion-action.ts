import type { Command, Option } from 'commander';
import { INVARIANT_IDS } from '../invariants/index.ts';
import { ARCHITECTURES } from '../qemu/process/architecture.ts';
import { ALL_REVISIONS } from '../model/index.ts';
import { REPORT_FORMATS } from '../readers/index.ts';
import { NAMED_HOSTS } from '../scenario/index.ts';
import type { Shell } from './shells.ts';

/** A command with what may follow it. */
interface Completed {
  readonly name: string;
  readonly about: string;
  /** Subcommands and choices of the first argument. */
  readonly words: readonly string[];
  readonly options: readonly {
    readonly flag: string;
    readonly about: string;
    readonly values: readonly string[];
  }[];
}

/** The values of options that name something. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  '--revision': ALL_REVISIONS.map(({ id }) => id),
  '--base': ALL_REVISIONS.map(({ id }) => id),
  '--invariant': INVARIANT_IDS,
  '--host': NAMED_HOSTS.map(({ id }) => id),
  '--target-list': ARCHITECTURES,
  '--report': REPORT_FORMATS.map((format) => `${format}=`),
};

/** The program for a shell, made of the commands as they are declared. */
export function completionProgram(shell: Shell, program: Command): string {
  const commands = program.commands.map((command): Completed => ({
    name: command.name(),
    about: command.description(),
    words: [
      ...command.commands.map((child) => child.name()),
      ...(command.registeredArguments[0]?.argChoices ?? []),
    ],
    options: [...command.options, { long: '--help', description: 'show this help' } as Option].map(
      (option) => ({
        flag: option.long ?? '',
        about: option.description,
        values: option.argChoices ?? VALUES[option.long ?? ''] ?? [],
      }),
    ),
  }));
  return shell === 'fish' ? forFish(commands) : forBash(commands, shell);
}

/** One function for bash, which zsh can run, too. */
function forBash(commands: readonly Completed[], shell: 'bash' | 'zsh'): string {
  // An option may have other values in another command.
  const valueCases = new Map<string, string[]>();
  for (const { name, options } of commands) {
    for (const { flag, values } of options) {
      if (values.length === 0) continue;
      const words = values.join(' ');
      valueCases.set(words, [...(valueCases.get(words) ?? []), `'${name} ${flag}'`]);
    }
  }
  const lines = [
    ...(shell === 'zsh' ? ['autoload -U +X bashcompinit && bashcompinit'] : []),
    '_barproof() {',
    // shellcheck would want mapfile, which bash 3 of macOS lacks.
    '  local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" words=""',
    '  case "${COMP_WORDS[1]} $before" in',
    ...[...valueCases].map(([words, places]) => `    ${places.join('|')}) words="${words}" ;;`),
    '  esac',
    '  if [ -z "$words" ]; then',
    '    case "${COMP_WORDS[1]}" in',
    ...commands.map(
      ({ name, words, options }) =>
        `      ${name}) words="${[...words, ...options.map(({ flag }) => flag)].join(' ')}" ;;`,
    ),
    '    esac',
    '  fi',
    `  if [ "$COMP_CWORD" = 1 ]; then words="${commands.map(({ name }) => name).join(' ')} --help --version"; fi`,
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    '}',
    'complete -o default -F _barproof barproof',
    '',
  ];
  return lines.join('\n');
}

function forFish(commands: readonly Completed[]): string {
  const quote = (text: string): string => `'${text.replaceAll("'", String.raw`\'`)}'`;
  const first = 'not __fish_seen_subcommand_from';
  const names = commands.map(({ name }) => name).join(' ');
  return [
    ...commands.flatMap(({ name, about, words, options }) => [
      `complete -c barproof -n ${quote(`${first} ${names}`)} -a ${name} -d ${quote(about)}`,
      ...(words.length === 0
        ? []
        : [
            `complete -c barproof -n ${quote(`__fish_seen_subcommand_from ${name}`)} -a ${quote(words.join(' '))}`,
          ]),
      ...options.map(({ flag, about: what, values }) => {
        const value = values.length === 0 ? '' : ` -x -a ${quote(values.join(' '))}`;
        return `complete -c barproof -n ${quote(`__fish_seen_subcommand_from ${name}`)} -l ${flag.slice(2)}${value} -d ${quote(what)}`;
      }),
    ]),
    '',
  ].join('\n');
}
