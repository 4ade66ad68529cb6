/**
 * `GET /console/openapi.json`: the description as its caller may see it. It is made once for each registry, which changes
 * with the generation of the user mixins, and for each version of OCCI (K15, K32).
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../base/package-root.js';
import { notFound } from '../../base/errors.js';
import type { Categories } from '../../extension/categories.js';
import type { OcciVersion } from '../../occi/model.js';
import { requestedVersion } from '../../occi/protocol-version.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import type { Store } from '../../store/sql.js';
import type { Endpoint } from '../express-app.js';
import { onlyParameters } from '../target.js';
import { openApiDocument } from './document.js';
import type { Described } from './paths.js';

export interface OpenApiServices extends Omit<Described, 'registry' | 'version'> {
  readonly store: Store;
  readonly categories: Categories;
}

interface Kept {
  readonly bytes: Buffer;
  readonly etag: string;
}

export function openApiEndpoint(services: OpenApiServices): Endpoint {
  const { version: release } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  const kept = new WeakMap<CategoryRegistry, Map<OcciVersion, Kept>>();
  const descriptionOf = (registry: CategoryRegistry, version: OcciVersion): Kept => {
    const versions = kept.get(registry) ?? new Map<OcciVersion, Kept>();
    kept.set(registry, versions);
    const known = versions.get(version);
    if (known) return known;
    const bytes = Buffer.from(JSON.stringify(openApiDocument({ ...services, registry, version }, release)));
    const made = { bytes, etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` };
    versions.set(version, made);
    return made;
  };
  return {
    method: 'get',
    path: '/console/openapi.json',
    handle: async (request, response, principal) => {
      if (request.vep) onlyParameters(request.vep.target, []);
      if (!principal) throw notFound();
      const registry = await services.categories.of(services.store, principal.groups);
      const { bytes, etag } = descriptionOf(registry, versionOf(request.headers['user-agent']));
      response.setHeader('ETag', etag);
      response.setHeader('Cache-Control', 'private, no-cache');
      if (request.headers['if-none-match'] === etag) {
        response.statusCode = 304;
        response.end();
        return;
      }
      response.setHeader('Content-Type', 'application/json');
      response.setHeader('Content-Length', bytes.length);
      response.end(bytes);
    },
  };
}

/** OCCI 1.2 unless the client says that it speaks 1.1. */
function versionOf(userAgent: string | undefined): OcciVersion {
  const requested = requestedVersion(userAgent, undefined, undefined);
  return requested !== 'too-high' && requested.explicit ? requested.version : '1.2';
}
