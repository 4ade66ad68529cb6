/** The one place where the command line meets the composition root. */

import type { Config } from '../base/config.js';

export interface RunningServer {
  readonly url: string;
  readonly bootstrapped: readonly string[];
  close(graceMs?: number): Promise<void>;
}

export async function startServer(config: Config): Promise<RunningServer> {
  const { start } = await import('../server.js');
  return start({ config });
}
