/** Where `vep sites` gets its knowledge: from the server, or with `--config` from the sites themselves. */

import { resolve } from 'node:path';
import { loadConfig } from '../base/config-file.js';
import { notFound } from '../base/errors.js';
import { silentLog } from '../base/log.js';
import type { SiteCheck, SiteInventory } from '../client/index.js';
import { openConfiguredSites } from './server-module.js';
import type { Session } from './session.js';

export interface SiteSource {
  names(): Promise<readonly string[]>;
  check(name: string): Promise<SiteCheck>;
  inventory(name: string): Promise<SiteInventory>;
  close(): Promise<void>;
}

/** Asks the source about the named site, or about all of them one after the other. */
export async function askSites<T>(
  session: Session,
  { name, config }: { readonly name: string | undefined; readonly config: string | undefined },
  ask: (source: SiteSource, name: string) => Promise<T>,
): Promise<readonly T[]> {
  const source = config === undefined ? fromServer(session) : await fromConfig(session, config);
  try {
    const answers: T[] = [];
    for (const each of name === undefined ? await source.names() : [name]) answers.push(await ask(source, each));
    return answers;
  } finally {
    await source.close();
  }
}

function fromServer({ client }: Session): SiteSource {
  return {
    names: async () => (await client.provider.sites()).map((site) => site.name),
    check: (name) => client.provider.checkSite(name),
    inventory: (name) => client.provider.siteInventory(name),
    close: () => Promise.resolve(),
  };
}

async function fromConfig({ terminal, options }: Session, path: string): Promise<SiteSource> {
  const environment =
    options.dataDir === undefined ? terminal.environment : { ...terminal.environment, VEP_DATA_DIR: options.dataDir };
  const sites = await openConfiguredSites(loadConfig(environment, resolve(terminal.directory, path)), silentLog);
  const known = (name: string): { site: string; type: string } => {
    if (!sites.has(name)) throw notFound(`no site of the name ${name}`);
    return { site: name, type: sites.status(name).type };
  };
  return {
    names: () => Promise.resolve(sites.names),
    check: async (name) => ({ ...known(name), findings: await sites.check(name) }),
    inventory: async (name) => {
      const { site, type } = known(name);
      const { inventory, ageMs } = await sites.inventoryOf(name);
      return { site, type, ageMs, ...inventory };
    },
    close: () => sites.close(),
  };
}
