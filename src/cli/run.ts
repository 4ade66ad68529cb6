/** One run of `vep`, from arguments to exit code. Whatever goes wrong is told on standard error, with what to do about it. */

import { CommanderError } from 'commander';
import { Problem, messageOf, withSeverity, type Fault } from '../base/errors.js';
import { VERSION } from '../base/version.js';
import { ClientError, ConnectionError } from '../client/index.js';
import { EXIT, UsageError, exitCodeOf, type ExitCode } from './exit-codes.js';
import { createProgram } from './program.js';
import type { GlobalOptions } from './session.js';
import { Session } from './session.js';
import type { Terminal } from './terminal.js';
import { displayText } from './ui/display-text.js';
import { faultLines } from './ui/faults.js';

export async function run(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = createProgram(terminal, (result) => (code = result));
  // `vep conformance … --version 1.1` names a version of OCCI: there, the question for that of `vep` must not step in.
  if (!args.includes('conformance')) program.version(VERSION, '-V, --version');
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    tell(error, new Session(terminal, program.opts<GlobalOptions>()));
    return exitCodeOf(error);
  }
}

function tell(error: unknown, { terminal, options, errorStyle }: Session): void {
  const faults = faultsOf(error);
  if (options.json === true) {
    terminal.err.write(
      `${JSON.stringify({ error: { exit: exitCodeOf(error), faults: withSeverity(faults) } }, null, 2)}\n`,
    );
  } else {
    terminal.err.write(faultLines(faults, errorStyle));
    if (error instanceof ClientError && error.status >= 500 && error.request !== undefined)
      terminal.err.write(`request id ${displayText(error.request)}, for the provider's log\n`);
  }
  if (options.debug === true && error instanceof Error) terminal.err.write(`${error.stack ?? error.message}\n`);
}

function faultsOf(error: unknown): readonly Fault[] {
  if (error instanceof ClientError && error.status === 401) return error.faults.map(withLogin);
  if (error instanceof ClientError || error instanceof Problem) return error.faults;
  if (error instanceof UsageError)
    return [
      { code: 'cli.usage', message: error.message, ...(error.remedy === undefined ? {} : { remedy: error.remedy }) },
    ];
  if (error instanceof ConnectionError)
    return [
      {
        code: 'cli.unreachable',
        message: error.message,
        remedy: 'see whether the server runs, or name another with --endpoint',
      },
    ];
  return [
    { code: 'cli.internal', message: messageOf(error), remedy: 'run it again with --debug and report what it prints' },
  ];
}

function withLogin(fault: Fault): Fault {
  return { ...fault, remedy: 'sign in with `vep login`, or give a token with --token or VEP_TOKEN' };
}
