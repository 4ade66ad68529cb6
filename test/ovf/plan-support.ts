/** Small descriptors for the tests of the planner: real XML, read by the real reader. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';
import {
  createOvfSchemas,
  NO_INPUTS,
  planAppliance,
  SCHEMA_FILES,
  type DeploymentPlan,
  type PlanInputs,
  type PlanResult,
} from '../../src/ovf/index.js';
import type { PlannedMachine } from '../../src/ovf/plan.js';

export const schemas = createOvfSchemas(
  new Map(SCHEMA_FILES.map((name) => [name, readFileSync(join(packageRoot, 'ovf-schema', name))])),
);

const CIM = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_';

export interface EnvelopeParts {
  readonly references?: string;
  readonly disks?: string;
  readonly networks?: readonly string[];
  /** Further sections of the envelope. */
  readonly sections?: string;
}

export function envelope(
  content: string,
  { references = '', disks, networks = [], sections = '' }: EnvelopeParts = {},
): string {
  return `<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="${CIM}ResourceAllocationSettingData" xmlns:vssd="${CIM}VirtualSystemSettingData"
  xmlns:ovf2="http://schemas.dmtf.org/ovf/envelope/2" xmlns:vmw="http://www.vmware.com/schema/ovf">
  <References>${references}</References>
  ${disks === undefined ? '' : `<DiskSection><Info/>${disks}</DiskSection>`}
  ${networks.length === 0 ? '' : `<NetworkSection><Info/>${networks.map((name) => `<Network ovf:name="${name}"/>`).join('')}</NetworkSection>`}
  ${sections}
  ${content}
</Envelope>`;
}

/** A system with hardware of the given items; one processor and 1 GiB unless `bare`. */
export function system(id: string, { items = '', sections = '', transport = 'iso', bare = false } = {}): string {
  const size = bare
    ? ''
    : item({ id: 'cpu', type: 3, quantity: 1 }) + item({ id: 'mem', type: 4, quantity: 1, units: 'byte * 2^30' });
  return `<VirtualSystem ovf:id="${id}"><Info/>${sections}
    <VirtualHardwareSection ovf:transport="${transport}"><Info/>${size}${items}</VirtualHardwareSection></VirtualSystem>`;
}

export function collection(id: string, content: string, sections = ''): string {
  return `<VirtualSystemCollection ovf:id="${id}"><Info/>${sections}${content}</VirtualSystemCollection>`;
}

export interface ItemParts {
  readonly id: string;
  readonly type: number;
  readonly attributes?: string;
  readonly address?: string;
  readonly slot?: number;
  readonly units?: string;
  readonly connection?: string;
  readonly resource?: string;
  readonly parent?: string;
  readonly subType?: string;
  readonly quantity?: number | string;
}

export function item(parts: ItemParts): string {
  const { id, type, attributes = '', address, slot, units, connection, resource, parent, subType, quantity } = parts;
  const child = (name: string, value: string | number | undefined): string =>
    value === undefined ? '' : `<rasd:${name}>${value}</rasd:${name}>`;
  return `<Item ${attributes}>${child('Address', address)}${child('AddressOnParent', slot)}${child('AllocationUnits', units)}${child(
    'Connection',
    connection,
  )}<rasd:ElementName>${id}</rasd:ElementName>${child('HostResource', resource)}${child('InstanceID', id)}${child('Parent', parent)}${child(
    'ResourceSubType',
    subType,
  )}${child('ResourceType', type)}${child('VirtualQuantity', quantity)}</Item>`;
}

/** A product section of properties, each given by its attributes and children. */
export function product(properties: readonly string[], attributes = ''): string {
  return `<ProductSection ${attributes}><Info/>${properties.join('')}</ProductSection>`;
}

export function property(key: string, attributes = '', children = ''): string {
  const type = attributes.includes('ovf:type=') ? '' : 'ovf:type="string"';
  return `<Property ovf:key="${key}" ${type} ${attributes}>${children}</Property>`;
}

export function planOf(
  text: string,
  inputs: Partial<PlanInputs> = {},
  mode: 'strict' | 'lenient' = 'strict',
): PlanResult {
  return planAppliance(Buffer.from(text), { ...NO_INPUTS, ...inputs }, { mode, schemas });
}

/** The plan, which must be ready to deploy. */
export function readyPlan(
  text: string,
  inputs: Partial<PlanInputs> = {},
  mode: 'strict' | 'lenient' = 'strict',
): DeploymentPlan {
  const { plan, findings, unresolved } = planOf(text, inputs, mode);
  if (!plan) throw new Error(JSON.stringify({ findings, unresolved }, undefined, 2));
  return plan;
}

/** Codes of the errors and warnings, with the severity in front: `error O-061`. */
export function verdicts({ findings }: PlanResult): readonly string[] {
  return findings
    .filter(({ severity }) => severity !== 'info')
    .map(({ severity, code }) => `${severity} ${code.replace('ovf.', '')}`);
}

/** In which order a system boots from its items (OVF 2), by their InstanceIDs. */
export function bootDevices(...ids: readonly string[]): string {
  const sources = ids.map(
    (id) =>
      `<s:CIM_BootSourceSetting xmlns:s="${CIM}BootSourceSetting"><s:Caption/><s:InstanceID>${id}</s:InstanceID></s:CIM_BootSourceSetting>`,
  );
  return `<ovf2:BootDeviceSection ovf2:required="false"><Info/><c:CIM_BootConfigSetting xmlns:c="${CIM}BootConfigSetting"><c:Caption>Fix</c:Caption>${sources.join('')}</c:CIM_BootConfigSetting></ovf2:BootDeviceSection>`;
}

/** The same as VMware's exporters write it. */
export function bootOrder(...ids: readonly string[]): string {
  const sections = ids.map(
    (id) =>
      `<vmw:BootOrderSection ovf:required="false" vmw:instanceId="${id}" vmw:type="disk"><Info/></vmw:BootOrderSection>`,
  );
  return sections.join('');
}

/** The first machine of a plan that can be deployed. */
export function machine(text: string, mode: 'strict' | 'lenient' = 'strict'): PlannedMachine {
  const [first] = readyPlan(text, {}, mode).machines;
  if (!first) throw new Error('no machine');
  return first;
}

export const cpu = (quantity: number | string, more = {}): string => item({ id: '1', type: 3, quantity, ...more });
export const memory = (quantity: number | string, more = {}): string =>
  item({ id: '2', type: 4, quantity, units: 'byte * 2^20', ...more });
