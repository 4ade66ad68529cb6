/**
 * Security groups as rOCCI and ooi have them (`spec/occi.md` §4): a list of rules, kept, checked and shown, and the link
 * from a compute to the group that shall guard it. No site can be told of them, for the adapter interface has no word for
 * it, so no traffic is filtered yet; `docs/kinds.md` says so.
 */

import ipaddr from 'ipaddr.js';
import { excerpt, throwIfFaulty, type Fault } from '../../src/base/errors.js';
import { isJsonObject, stringAt, type JsonObject } from '../../src/base/json.js';
import type { EntityChange, EntityDraft, LinkEnds, Write } from '../../src/extension/kind-handler.js';
import type { AttributeValue } from '../../src/occi/model.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import { KeptStateHandler } from './kept-entity.js';
import { requireEnds } from './link-ends.js';
import { SECURITYGROUP, SECURITYGROUPLINK, stateMachineOf } from './states.js';

export class SecurityGroupHandler extends KeptStateHandler {
  constructor() {
    super(SECURITYGROUP, stateMachineOf(SECURITYGROUP));
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    throwIfFaulty('invalid', ruleFaults(draft.wanted[RULES]));
    await super.prepare(write, draft);
  }

  override change(write: Write, entity: EntityRecord, change: EntityChange): Promise<EntityRecord> {
    throwIfFaulty('invalid', ruleFaults(change.attributes.get(RULES)));
    return super.change(write, entity, change);
  }
}

export class SecurityGroupLinkHandler extends KeptStateHandler {
  constructor() {
    super(SECURITYGROUPLINK, stateMachineOf(SECURITYGROUPLINK));
  }

  override async prepare(write: Write, draft: EntityDraft): Promise<void> {
    requireEnds(write, draft.kind.id, draft);
    await super.prepare(write, draft);
  }

  judgeMove(write: Write, link: EntityRecord, moved: LinkEnds): Promise<void> {
    requireEnds(write, link.kind, moved);
    return Promise.resolve();
  }
}

const RULES = 'occi.securitygroup.rules';
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
