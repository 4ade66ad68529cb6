/** `vep completion`: a script that completes commands and options, for bash, zsh or fish. */

import type { Command } from 'commander';
import { UsageError } from '../exit-codes.js';
import type { Session } from '../session.js';

interface CommandNode {
  /** `token create` */
  readonly path: string;
  readonly description: string;
  readonly commands: readonly string[];
  readonly options: readonly { readonly flag: string; readonly description: string }[];
}

export async function completion(session: Session, [shell = '']: readonly string[], program: Command): Promise<void> {
  const write = SHELLS[shell];
  if (!write)
    throw new UsageError(`no completion for ${JSON.stringify(shell)}`, `name one of ${Object.keys(SHELLS).join(', ')}`);
  session.terminal.out.write(write(nodesOf(program)));
}

const SHELLS: Readonly<Record<string, (nodes: readonly CommandNode[]) => string>> = { bash, zsh, fish };

/** The tree of commands, flattened; the first node is the program itself. */
function nodesOf(program: Command): CommandNode[] {
  const own = program.options.filter((option) => !option.hidden);
  const visit = (command: Command, path: string): CommandNode[] => {
    const options = command === program ? own : [...command.options, ...own];
    return [
      {
        path,
        description: command.description(),
        commands: command.commands.map((child) => child.name()),
        options: options.map(({ long, short, description }) => ({ flag: long ?? short ?? '', description })),
      },
      ...command.commands.flatMap((child) => visit(child, `${path} ${child.name()}`.trim())),
    ];
  };
  return visit(program, '');
}

function words(node: CommandNode): string {
  return [...node.commands, ...node.options.map(({ flag }) => flag)].join(' ');
}

function bash(nodes: readonly CommandNode[]): string {
  const cases = nodes.map((node) => `    "${node.path}") words="${words(node)}" ;;`).join('\n');
  const known = nodes.map(({ path }) => path).filter((path) => path !== '');
  return `# bash completion of vep: source <(vep completion bash)
_vep() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${known.map((path) => `"${path}"`).join('|')}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ "\${#COMPREPLY[@]}" -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _vep vep
`;
}

function zsh(nodes: readonly CommandNode[]): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const cases = nodes.map((node) => {
    const children = node.commands.map((name) => {
      const child = nodes.find(({ path }) => path === `${node.path} ${name}`.trim());
      return quoted(`${name}:${child?.description ?? ''}`);
    });
    const options = node.options.map(({ flag, description }) => quoted(`${flag}:${description}`));
    return `    ${quoted(node.path)}) candidates=(${[...children, ...options].join(' ')}) ;;`;
  });
  const known = nodes.map(({ path }) => path).filter((path) => path !== '');
  return `#compdef vep
# zsh completion of vep: source <(vep completion zsh)
_vep() {
  local vep_path="" word
  local -a words_before candidates
  words_before=("\${(@)words[2,CURRENT-1]}")
  candidates=()
  for word in $words_before; do
    case "\${vep_path:+$vep_path }$word" in
      ${known.map(quoted).join('|')}) vep_path="\${vep_path:+$vep_path }$word" ;;
    esac
  done
  case "$vep_path" in
${cases.join('\n')}
  esac
  _describe 'vep' candidates || _files
}
compdef _vep vep
`;
}

function fish(nodes: readonly CommandNode[]): string {
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = nodes.flatMap((node) => {
    const names = node.path.split(' ').filter(Boolean);
    const seen = names.map((name) => `__fish_seen_subcommand_from ${name}`);
    const none = node.commands.length > 0 ? [`not __fish_seen_subcommand_from ${node.commands.join(' ')}`] : [];
    const condition = [...seen, ...none].join('; and ');
    const when = condition === '' ? '' : ` -n ${quoted(condition)}`;
    const children = node.commands.map((name) => {
      const child = nodes.find(({ path }) => path === `${node.path} ${name}`.trim());
      return `complete -c vep${when} -a ${name} -d ${quoted(child?.description ?? '')}`;
    });
    const seenAll = seen.length === 0 ? '' : ` -n ${quoted(seen.join('; and '))}`;
    const options = node.options
      .filter(({ flag }) => flag.startsWith('--'))
      .map(({ flag, description }) => `complete -c vep${seenAll} -l ${flag.slice(2)} -d ${quoted(description)}`);
    return [...children, ...options];
  });
  return `# fish completion of vep: vep completion fish | source\n${[...new Set(lines)].join('\n')}\n`;
}
