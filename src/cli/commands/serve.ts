/** `vep serve`: runs a server until it is told to stop. The first line of standard output says that it is ready. */

import { join, relative } from 'node:path';
import { loadConfig } from '../../base/config-file.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { startServer } from '../server-module.js';
import type { Session } from '../session.js';

/** Milliseconds that steps at work and open requests get to end. */
const GRACE = 10_000;

export async function serve(
  session: Session,
  _args: readonly string[],
  { config: path }: { readonly config?: string },
): Promise<ExitCode> {
  const { terminal, options } = session;
  const environment =
    options.dataDir === undefined ? terminal.environment : { ...terminal.environment, VEP_DATA_DIR: options.dataDir };
  const config = loadConfig(environment, path ?? environment['VEP_CONFIG']);
  const stopping = stopSignal();
  const server = await startServer(config);
  const tokens = (name: string): string => relative(terminal.directory, join(config.data.directory, `${name}.token`));
  terminal.out.write(
    `VEP ready at ${server.url}\n` +
      `query interface: ${server.url}/-/\n` +
      `sign in: curl -u "user:$(cat ${tokens('user')})" ${server.url}/-/\n` +
      `the command vep finds these tokens by itself: ${tokens('user')}, and with --admin ${tokens('admin')}\n`,
  );
  await stopping;
  await server.close(GRACE);
  return EXIT.ok;
}

/** Resolves at the first request to stop; the second one ends the process as it would have without this. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.off('SIGTERM', stop).off('SIGINT', stop);
      resolve();
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
  });
}
