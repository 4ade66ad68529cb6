/** The trust that a command judges by: the server's, by its configuration, or a folder that the command line names. */

import { resolve } from 'node:path';
import { loadConfig, parseConfig } from '../base/config-file.js';
import type { CertificatesConfig } from '../base/config.js';
import { problem } from '../base/errors.js';
import { UsageError } from './exit-codes.js';
import type { Session } from './session.js';

export interface TrustOptions {
  readonly config?: string;
  readonly trust?: string;
  readonly vomsdir?: string;
  readonly at?: string;
}

export interface TrustSettings {
  readonly certificates: CertificatesConfig;
  /** Names of the server's host. */
  readonly hosts: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** @throws UsageError, Problem `invalid` when neither says where trust lies */
export function trustSettings(session: Session, options: TrustOptions): TrustSettings {
  const { terminal } = session;
  const path = options.config ?? terminal.environment['VEP_CONFIG'];
  const config = loadConfig(terminal.environment, path === undefined ? undefined : resolve(terminal.directory, path));
  const { server } = config;
  const hosts = [server.host, ...server.allowedHosts];
  const certificates = options.trust === undefined ? config.access.certificates : standIn(options.trust);
  if (!certificates) {
    throw problem('invalid', 'cli.no-trust', 'the configuration names no trust directory', {
      place: { path: 'access.certificates.directory' },
      remedy: 'name the configuration with --config, or a folder with --trust',
    });
  }
  const inFolder = (folder: string): string => resolve(terminal.directory, folder);
  const vomsdir = options.vomsdir ?? (options.trust === undefined ? certificates.vomsdir : undefined);
  const { vomsdir: _vomsdir, ...others } = certificates;
  return {
    certificates: {
      ...others,
      directory: inFolder(certificates.directory),
      ...(vomsdir === undefined ? {} : { vomsdir: inFolder(vomsdir) }),
    },
    hosts,
    now: options.at === undefined ? terminal.clock.now() : dateOf(options.at),
  };
}

/** A folder with everything else as it is by default. */
function standIn(directory: string): CertificatesConfig | undefined {
  const document = {
    server: { trustedPeers: ['127.0.0.1'] },
    access: { certificates: { directory, header: 'rfc9440' } },
  };
  return parseConfig(JSON.stringify(document), {}).access.certificates;
}

function dateOf(text: string): number {
  const at = Date.parse(text);
  if (!Number.isFinite(at)) throw new UsageError(`${JSON.stringify(text)} is no date`, 'write it as 2027-01-31');
  return at;
}
