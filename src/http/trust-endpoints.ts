/** What is trusted, for administrators: the report on the trust directory, and reading it again at once. */

import type { TrustReport } from '../access/x509/trust-report.js';
import type { TrustDirectory } from '../access/x509/trust-directory.js';
import { problem } from '../base/errors.js';
import type { Endpoint } from './express-app.js';
import { requireAdministrator } from './health.js';

export interface TrustService {
  readonly directory: TrustDirectory;
  readonly report: () => TrustReport;
}

/** @param trust absent: the configuration names no trust directory */
export function trustEndpoints(trust: TrustService | undefined): Endpoint[] {
  const configured = (): TrustService => {
    if (trust) return trust;
    throw problem('not-found', 'trust.not-configured', 'this server has no trust directory', {
      remedy: 'set access.certificates.directory in its configuration',
    });
  };
  return [
    {
      method: 'get',
      path: '/health/trust',
      handle: async (_request, response, principal) => {
        requireAdministrator(principal);
        response.json(configured().report());
      },
    },
    {
      method: 'post',
      path: '/health/trust/reload',
      handle: async (_request, response, principal) => {
        requireAdministrator(principal);
        await configured().directory.refresh(true);
        response.json(configured().report());
      },
    },
  ];
}
