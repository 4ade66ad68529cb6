/** `vep config check`: reads the configuration as the server would and says what is wrong with it. */

import { resolve } from 'node:path';
import { loadConfig } from '../../base/config-file.js';
import { checkSiteOptions, siteWarnings } from '../server-module.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import { faultLines } from '../ui/faults.js';

export async function checkConfig(session: Session, [file]: readonly string[]): Promise<void> {
  const { environment, directory } = session.terminal;
  const path = file ?? environment['VEP_CONFIG'];
  const config = loadConfig(environment, path === undefined ? undefined : resolve(directory, path));
  await checkSiteOptions(config);
  const warnings = await siteWarnings(config);
  const { server, data, sites } = config;
  const summary = {
    file: path ?? null,
    valid: true,
    listens: `${server.host}:${server.port}`,
    tls: server.tls !== undefined,
    database: data.database === undefined ? 'sqlite' : 'postgres',
    dataDirectory: data.directory,
    sites: sites.map(({ name, type }) => ({ name, type })),
    warnings,
  };
  session.answer(summary, () => {
    const named = sites.map(({ name, type }) => `${name} (${type})`).join(', ');
    return (
      faultLines(warnings, session.style) +
      `${path === undefined ? 'the defaults are' : `${displayText(path)} is`} ${session.style.green('valid')}\n` +
      `listens on ${summary.listens}${summary.tls ? ' with TLS' : ''}; ${summary.database} in ${displayText(data.directory)}; sites: ${named}\n`
    );
  });
}
