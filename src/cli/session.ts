/** One run of `vep`: its options, its way to the server, and its two ways of answering: for people, or as JSON. */

import type { VepClient } from '../client/index.js';
import { connect, dataDirectory, type ConnectionOptions } from './connection.js';
import { UsageError } from './exit-codes.js';
import type { Terminal } from './terminal.js';
import { styleOf, type Style } from './ui/style.js';

export interface GlobalOptions extends ConnectionOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
  /** `--no-color` makes it false. */
  readonly color?: boolean;
  readonly debug?: boolean;
}

export class Session {
  readonly terminal: Terminal;
  readonly options: GlobalOptions;
  /** Colours of standard output and of standard error. */
  readonly style: Style;
  readonly errorStyle: Style;
  #client: VepClient | undefined;

  constructor(terminal: Terminal, options: GlobalOptions) {
    this.terminal = terminal;
    this.options = options;
    this.style = styleOf(coloured(terminal, options, terminal.out.terminal));
    this.errorStyle = styleOf(coloured(terminal, options, terminal.err.terminal));
  }

  get client(): VepClient {
    return (this.#client ??= connect(this.options, this.terminal));
  }

  get dataDirectory(): string {
    return dataDirectory(this.options, this.terminal);
  }

  /** Answers: `json` with `--json`, otherwise the text, which is only made when it is wanted. */
  answer(json: unknown, text: () => string): void {
    if (this.options.json === true) this.terminal.out.write(`${JSON.stringify(json, null, 2)}\n`);
    else this.terminal.out.write(text());
  }

  /**
   * A secret, typed unseen on a terminal, else the first line of standard input: as an argument the list of processes would show it.
   *
   * @param what it is, as in "no token was given"
   * @throws UsageError when there is none
   */
  async secret(question: string, what: string, remedy: string): Promise<string> {
    const typed = (await this.terminal.askSecret(question)) ?? (await this.terminal.readInput());
    const secret = typed.split('\n')[0]?.replace(/\r$/, '') ?? '';
    if (secret.trim() === '') throw new UsageError(`no ${what} was given`, remedy);
    return secret;
  }

  /** Says something on the way, on standard error; not with `--quiet`. */
  note(text: string): void {
    if (this.options.quiet !== true) this.terminal.err.write(`${text}\n`);
  }
}

function coloured({ environment }: Terminal, { color }: GlobalOptions, terminal: boolean): boolean {
  return terminal && color !== false && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb';
}
