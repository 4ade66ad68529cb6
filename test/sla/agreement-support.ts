/** An agreement, a plan and a site for the tests of admission; each test changes what it is about. */

import { Problem, type Fault } from '../../src/base/errors.js';
import type { JsonObject, JsonValue } from '../../src/base/json.js';
import type { DeploymentPlan, PlannedDisk, PlannedMachine } from '../../src/ovf/plan.js';
import type { HostOffer } from '../../src/scheduling/offer.js';
import { NOTHING_TAKEN } from '../../src/sla/admit-quota.js';
import type { SlaSite } from '../../src/sla/admit-site.js';
import { admit, type Admitted, type AdmissionRequest } from '../../src/sla/admission.js';
import { parseAgreement } from '../../src/sla/parse.js';
import type { UnmetTerm } from '../../src/sla/unmet.js';

export const GIB = 2 ** 30;
export const MIB = 2 ** 20;
export const NOW = Date.parse('2026-06-01T00:00:00Z');

/** Items `app` (everything), `tier` (collection of web and api), `web`, `api`, `db`, `data` (a disk), `net`. */
export function document(terms: readonly JsonValue[], more: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'vep.sla/v1',
    kind: 'Agreement',
    id: '9b2f31df-07a6-4b10-a791-eca721240db9',
    parties: { customer: { id: 'alice' }, provider: { id: 'vep' } },
    services: [
      {
        name: 'shop',
        items: [
          { id: 'app', kind: 'Application' },
          { id: 'tier', kind: 'VirtualSystemCollection', ref: 'tier' },
          ...['web', 'api', 'db'].map((id) => ({ id, kind: 'VirtualSystem', ref: id })),
          { id: 'data', kind: 'Disk', ref: 'db-data' },
          { id: 'net', kind: 'Network', ref: 'lan' },
        ],
      },
    ],
    terms,
    ...more,
  };
}

export function faultsOf(json: JsonValue): readonly Fault[] {
  try {
    parseAgreement(json);
    return [];
  } catch (error) {
    if (error instanceof Problem) return error.faults;
    throw error;
  }
}

export function machine(id: string, more: Partial<PlannedMachine> = {}): PlannedMachine {
  return {
    id,
    title: id,
    hostname: id,
    cores: { normal: 2 },
    memoryBytes: { normal: 2 * GIB },
    drives: [{ kind: 'disk', disk: `${id}-root`, boot: true }],
    interfaces: [],
    environment: { transports: [], properties: [] },
    instances: { normal: 1 },
    ...more,
  };
}

export function plan(more: Partial<DeploymentPlan> = {}): DeploymentPlan {
  const disk = (id: string): PlannedDisk => ({ id, capacityBytes: 10 * GIB, shared: false });
  return {
    version: 1,
    title: 'Shop',
    id: 'shop',
    machines: [
      machine('web', { collection: 'tier' }),
      machine('api', { collection: 'tier' }),
      machine('db', { drives: ['db-root', 'db-data'].map((id) => ({ kind: 'disk', disk: id, boot: false })) }),
    ],
    networks: [{ name: 'lan' }],
    disks: ['web-root', 'api-root', 'db-root', 'db-data'].map(disk),
    images: [],
    startup: [],
    constraints: [],
    collections: [
      { id: 'shop', title: 'Shop', properties: [] },
      { id: 'tier', title: 'Tier', parent: 'shop', properties: [] },
    ],
    findings: [],
    conformanceLevel: 1,
    ...more,
  };
}

export function host(name: string, more: Partial<HostOffer> = {}): HostOffer {
  return {
    name,
    rack: name,
    zone: 'z1',
    country: 'DE',
    up: true,
    traits: [],
    freeCores: 16,
    freeMemoryBytes: 32 * GIB,
    occupied: false,
    ...more,
  };
}

export function site(more: Partial<SlaSite> = {}): SlaSite {
  return {
    name: 'here',
    hosts: [host('a'), host('b'), host('c', { country: 'FR' })],
    freeStorageBytes: 1000 * GIB,
    metrics: new Map(),
    promises: new Set(),
    levels: new Set(['host', 'rack', 'zone', 'country']),
    ...more,
  };
}

/** The outcome for these terms at the usual site, or with what the test changes. */
export function judged(
  terms: readonly JsonValue[],
  more: Partial<Omit<AdmissionRequest, 'agreement'>> & { readonly document?: JsonObject } = {},
): { readonly admitted: Admitted } | { readonly unmet: readonly UnmetTerm[] } {
  const { document: members = {}, ...request } = more;
  return admit({
    agreement: parseAgreement(document(terms, members)),
    plan: plan(),
    descriptor: { sha256: '0'.repeat(64) },
    sites: [site()],
    provider: { ids: ['vep'] },
    caller: { ids: ['alice'], vos: ['/vo/web'], loa: 2 },
    governed: NOTHING_TAKEN,
    now: NOW,
    ...request,
  });
}

export function admittedOf(outcome: ReturnType<typeof judged>): Admitted {
  if ('unmet' in outcome) throw new Error(JSON.stringify(outcome.unmet));
  return outcome.admitted;
}

/** `code term item` of every unmet term. */
export function unmetOf(outcome: ReturnType<typeof judged>): string[] {
  return 'unmet' in outcome ? outcome.unmet.map(({ code, term, item }) => `${code} ${term ?? '-'} ${item ?? '-'}`) : [];
}
