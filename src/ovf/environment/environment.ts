/**
 * The OVF environment document (DSP0243 §11, DSP8027): what one guest learns at its first start. Its PropertySection
 * holds its own properties and those of its immediate parent; each sibling is an Entity with what that sibling sees. The
 * document is built as a tree and serialized, so no value can break out of its attribute (O-067).
 */

import { DOMImplementation, XMLSerializer, type Document, type Element } from '@xmldom/xmldom';
import { problem } from '../../base/errors.js';
import { VERSION } from '../../base/version.js';
import type { DeploymentPlan, ResolvedProperty } from '../plan.js';
import { secretKey } from '../properties/visible.js';
import { cloudConfig, phoneHome } from './cloud-config.js';

/** DSP8027 PlatformSection. */
export interface Platform {
  readonly kind: string;
  readonly version: string;
  readonly vendor: string;
  /** e.g. `en-US` */
  readonly locale?: string;
  /** Minutes east of UTC. */
  readonly timezone?: number;
}

/** VEP as its guests see it. */
export const PLATFORM: Platform = { kind: 'VEP', version: VERSION, vendor: 'VEP', locale: 'en-US', timezone: 0 };

/** What is particular to one running instance, not to the plan. */
export interface Guest {
  /** Tells cloud-init whether this is a first start. */
  readonly instanceId?: string;
  /** Absent: the plan's. */
  readonly hostname?: string;
  /** Where the guest reports with a POST that it is ready (K34); holds a one-time token. */
  readonly guestUrl?: string;
}

/** Name of the document in the root of the CD (DSP0243 §11.2). */
export const ENVIRONMENT_FILE = 'ovf-env.xml';

/**
 * @param secrets values of the secret properties, by `secretKey`
 * @throws Problem `internal` when the plan has no such machine or a secret is missing
 */
export function buildEnvironment(
  plan: DeploymentPlan,
  machineId: string,
  secrets: ReadonlyMap<string, string>,
  platform: Platform,
  guest: Guest = {},
): string {
  const properties = machineProperties(plan, machineId, secrets);
  const document = new DOMImplementation().createDocument(ENVIRONMENT, 'Environment');
  const root = document.documentElement as Element;
  root.setAttributeNS(XMLNS, 'xmlns:oe', ENVIRONMENT);
  root.setAttributeNS(ENVIRONMENT, 'oe:id', machineId);
  root.appendChild(platformSection(document, platform));
  root.appendChild(propertySection(document, withGuestKeys(properties, plan, machineId, guest)));
  for (const sibling of siblingsOf(plan, machineId)) {
    const entity = document.createElementNS(ENVIRONMENT, 'Entity');
    entity.setAttributeNS(ENVIRONMENT, 'oe:id', sibling.id);
    entity.appendChild(propertySection(document, readValues(sibling.id, sibling.properties, secrets)));
    root.appendChild(entity);
  }
  if (guest.guestUrl !== undefined) {
    const ready = document.createElementNS(VEP, 'vep:ReadyReport');
    ready.setAttributeNS(VEP, 'vep:url', guest.guestUrl);
    root.appendChild(ready);
  }
  const text = new XMLSerializer().serializeToString(document, { requireWellFormed: true });
  return `<?xml version="1.0" encoding="UTF-8"?>\n${text}\n`;
}

/** Every property a machine sees with its value, secrets included, by composed key. */
export function machineProperties(
  plan: DeploymentPlan,
  machineId: string,
  secrets: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  return readValues(machineId, machineOf(plan, machineId).environment.properties, secrets);
}

const ENVIRONMENT = 'http://schemas.dmtf.org/ovf/environment/1';
const XMLNS = 'http://www.w3.org/2000/xmlns/';
const VEP = 'http://schemas.contrail-project.eu/ovf/environment/1';

function machineOf(plan: DeploymentPlan, machineId: string): DeploymentPlan['machines'][number] {
  const machine = plan.machines.find(({ id }) => id === machineId);
  if (!machine)
    throw problem('internal', 'ovf.environment.machine', 'the plan has no such machine', { value: machineId });
  return machine;
}

interface Sibling {
  readonly id: string;
  readonly properties: readonly ResolvedProperty[];
}

/** Systems and collections with the same immediate parent, in document order of each sort. */
function siblingsOf(plan: DeploymentPlan, machineId: string): readonly Sibling[] {
  const { collection } = machineOf(plan, machineId);
  if (collection === undefined) return [];
  return [
    ...plan.machines
      .filter((machine) => machine.collection === collection && machine.id !== machineId)
      .map(({ id, environment }) => ({ id, properties: environment.properties })),
    ...plan.collections.filter(({ parent }) => parent === collection),
  ];
}

function readValues(
  contentId: string,
  properties: readonly ResolvedProperty[],
  secrets: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  return new Map(
    properties.map(({ key, value, secret }) => {
      const text = secret ? secrets.get(secretKey(contentId, key)) : value;
      if (text === undefined) {
        throw problem('internal', 'ovf.environment.secret', `the secret property "${key}" of "${contentId}" is gone`, {
          remedy: 'deploy the appliance again with its inputs',
        });
      }
      return [key, text];
    }),
  );
}

/**
 * cloud-init's OVF data source reads these keys; the appliance's own ones of the same name go before. It knows nothing of
 * reports, so that where the appliance leaves the user data to us they say how to send one.
 */
function withGuestKeys(
  properties: ReadonlyMap<string, string>,
  plan: DeploymentPlan,
  machineId: string,
  { instanceId, guestUrl, hostname = machineOf(plan, machineId).hostname }: Guest,
): ReadonlyMap<string, string> {
  if (instanceId === undefined) return properties;
  const report = guestUrl === undefined ? [] : [['user-data', base64(cloudConfig(phoneHome(guestUrl)))] as const];
  const keys = new Map([['instance-id', instanceId], ['local-hostname', hostname], ...report]);
  // Empty is the default of a property without one, and means nothing to cloud-init.
  return new Map([...keys, ...[...properties].filter(([key, value]) => value !== '' || !keys.has(key))]);
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

function platformSection(document: Document, platform: Platform): Element {
  const section = document.createElementNS(ENVIRONMENT, 'PlatformSection');
  const add = (name: string, value: string | undefined): void => {
    if (value === undefined) return;
    const element = document.createElementNS(ENVIRONMENT, name);
    element.appendChild(document.createTextNode(value));
    section.appendChild(element);
  };
  add('Kind', platform.kind);
  add('Version', platform.version);
  add('Vendor', platform.vendor);
  add('Locale', platform.locale);
  add('Timezone', platform.timezone?.toFixed(0));
  return section;
}

function propertySection(document: Document, properties: ReadonlyMap<string, string>): Element {
  const section = document.createElementNS(ENVIRONMENT, 'PropertySection');
  for (const [key, value] of properties) {
    const property = document.createElementNS(ENVIRONMENT, 'Property');
    property.setAttributeNS(ENVIRONMENT, 'oe:key', key);
    property.setAttributeNS(ENVIRONMENT, 'oe:value', value);
    section.appendChild(property);
  }
  return section;
}
