/**
 * Rules of security groups as rOCCI and ooi write them (`spec/occi.md` §4): what their attribute's pattern cannot say, and
 * what they mean to a site.
 */

import ipaddr from 'ipaddr.js';
import { excerpt, type Fault } from '../../src/base/errors.js';
import { isJsonObject, stringAt, type JsonObject } from '../../src/base/json.js';
import { IaasError, type Observed, type SiteAdapter } from '../../src/iaas/adapter.js';
import {
  differenceOf,
  normalRules,
  readRule,
  type SecurityGroupSite,
  type SecurityRule,
} from '../../src/iaas/security-groups.js';
import type { Attributes, AttributeValue } from '../../src/occi/model.js';
import type { EntityRecord } from '../../src/store/entity-record.js';

export const RULES = 'occi.securitygroup.rules';
/** IP protocols that number their ends with ports (IANA). */
const PORTED = new Set(['tcp', 'udp', 'sctp', 'dccp', 'udplite']);
const PROTOCOL = /^[a-z][a-z0-9-]*$/;
const HIGHEST_PORT = 65_535;

/**
 * What the attribute's pattern cannot say: ports in order and only where the protocol has them, a range of the IP version
 * that is named, a protocol by name or number. Every fault of every rule, with a JSON pointer into the list.
 */
export function ruleFaults(rules: AttributeValue | undefined): Fault[] {
  if (!Array.isArray(rules)) return [];
  return rules.flatMap((rule: AttributeValue, index) =>
    isJsonObject(rule) ? [...protocolFaults(rule, index), ...portFaults(rule, index), ...rangeFaults(rule, index)] : [],
  );
}

function protocolFaults(rule: JsonObject, index: number): Fault[] {
  const protocol = stringAt(rule, 'protocol')?.toLowerCase();
  if (protocol === undefined || PROTOCOL.test(protocol)) return [];
  if (/^[0-9]{1,3}$/.test(protocol) && Number(protocol) <= 255) return [];
  return [
    fault(index, 'protocol', protocol, 'is no IP protocol', 'name one such as tcp, udp or icmp, or give its number'),
  ];
}

function portFaults(rule: JsonObject, index: number): Fault[] {
  const port = stringAt(rule, 'port');
  if (port === undefined) return [];
  const [first = 0, last = first] = port.split('-').map(Number);
  const faults: Fault[] = [];
  if (first > HIGHEST_PORT || last > HIGHEST_PORT)
    faults.push(fault(index, 'port', port, 'is beyond the last port', `ports go up to ${HIGHEST_PORT}`));
  if (first > last) faults.push(fault(index, 'port', port, 'ends before it begins', 'write the lower port first'));
  const protocol = stringAt(rule, 'protocol')?.toLowerCase();
  if (protocol === undefined || !PORTED.has(protocol)) {
    const whose = protocol === undefined ? 'needs a protocol' : `has no meaning for ${excerpt(protocol)}`;
    faults.push(fault(index, 'port', port, whose, `leave the port out, or name one of ${[...PORTED].join(', ')}`));
  }
  return faults;
}

function rangeFaults(rule: JsonObject, index: number): Fault[] {
  const range = stringAt(rule, 'range');
  const version = stringAt(rule, 'ipversion');
  if (range === undefined || version === undefined) return [];
  const [address = ''] = range.split('/');
  if (ipaddr.isValid(address) && ipaddr.parse(address).kind() === version) return [];
  return [
    fault(index, 'range', range, `is no ${version} range`, 'let range and ipversion agree, or leave ipversion out'),
  ];
}

function fault(index: number, member: string, value: string, complaint: string, remedy: string): Fault {
  return {
    code: `infrastructure.security-rule-${member}`,
    message: `${member} ${excerpt(value)} of rule ${index + 1} ${complaint}`,
    place: { field: RULES, path: `/${index}/${member}` },
    remedy,
    value: excerpt(value),
  };
}

/**
 * What a group lets pass. Inbound that is what its rules say. Outbound is everything, as clouds have it, unless there are
 * rules for it.
 */
export function rulesOf(wanted: Attributes): readonly SecurityRule[] {
  const written = wanted[RULES];
  const rules = (Array.isArray(written) ? (written as readonly AttributeValue[]) : [])
    .filter(isJsonObject)
    .map(readRule);
  return rules.some(({ direction }) => direction === 'outbound') ? rules : [...rules, { direction: 'outbound' }];
}

/** What is to be said of rules that somebody has changed at the site. */
export function strangeRules(report: Observed, { wanted }: Pick<EntityRecord, 'wanted'>): string | undefined {
  if (report.class !== 'securitygroup' || report.message !== undefined) return undefined;
  const { missing, surplus } = differenceOf(report.rules, normalRules(rulesOf(wanted)));
  if (missing.length + surplus.length === 0) return undefined;
  return `the site's rules are others: ${missing.length} are missing there, ${surplus.length} are too many`;
}

/** @throws IaasError `unsupported` of a site that filters nothing */
export function filterOf(adapter: SiteAdapter): SecurityGroupSite {
  const { securityGroups } = adapter;
  if (securityGroups) return securityGroups;
  throw new IaasError('unsupported', 'this site does not filter the traffic of machines by rules');
}
