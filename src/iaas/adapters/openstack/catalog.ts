/**
 * The service catalog that comes with a token: where each service of the cloud is, by type, interface and region. Clouds
 * name the types differently and write a version behind the path or do not; what comes out is the root that calls go to.
 */

import { isJsonObject, stringAt, type JsonValue } from '../../../base/json.js';
import type { OpenStackOptions, ServiceName } from './options.js';

/** Types of the service-types authority and what older clouds call them, best first. */
const TYPES: Readonly<Record<ServiceName, readonly string[]>> = {
  compute: ['compute'],
  image: ['image'],
  network: ['network'],
  volume: ['block-storage', 'volumev3', 'block-store'],
  placement: ['placement'],
};

/** Appended where the catalog's URL ends in no version. */
const VERSIONS: Partial<Readonly<Record<ServiceName, string>>> = { image: '/v2', network: '/v2.0' };

interface Endpoint {
  readonly type: string;
  readonly interface: string;
  readonly region: string;
  readonly url: string;
}

export class Catalog {
  readonly #endpoints: readonly Endpoint[];

  constructor(catalog: JsonValue | undefined) {
    this.#endpoints = (Array.isArray(catalog) ? (catalog as readonly JsonValue[]) : []).flatMap(endpointsOf);
  }

  /** Regions that the catalog knows, in its order. */
  get regions(): readonly string[] {
    return [...new Set(this.#endpoints.map(({ region }) => region))];
  }

  /** Root of a service without a slash at its end; nothing where the catalog has none that fits. */
  url(
    service: ServiceName,
    project: string,
    { endpoints, region, interface: wanted }: Pick<OpenStackOptions, 'endpoints' | 'region' | 'interface'>,
  ): string | undefined {
    const own = endpoints[service]?.replaceAll('%(project_id)s', project);
    const known = TYPES[service].flatMap((type) =>
      this.#endpoints.filter(
        (each) => each.type === type && each.interface === wanted && (region === undefined || each.region === region),
      ),
    );
    const url = (own ?? known[0]?.url)?.replace(/\/+$/, '');
    if (url === undefined) return undefined;
    const version = VERSIONS[service];
    return version === undefined || /\/v\d+(\.\d+)?$/.test(url) ? url : url + version;
  }
}

function endpointsOf(service: JsonValue): Endpoint[] {
  if (!isJsonObject(service)) return [];
  const { endpoints } = service;
  const type = stringAt(service, 'type') ?? '';
  return (Array.isArray(endpoints) ? (endpoints as readonly JsonValue[]) : []).flatMap((each) => {
    if (!isJsonObject(each)) return [];
    const [region, url] = [stringAt(each, 'region') ?? stringAt(each, 'region_id'), stringAt(each, 'url')];
    if (url === undefined) return [];
    return [{ type, interface: stringAt(each, 'interface') ?? 'public', region: region ?? '', url }];
  });
}
