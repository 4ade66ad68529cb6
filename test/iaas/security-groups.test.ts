/** Rules of security groups: one form for what means the same, and each cloud's words for it and back. */

import type { SecurityGroup } from '@aws-sdk/client-ec2';
import fc from 'fast-check';
import { permissionOf, rulesIn as rulesOfEc2 } from '../../src/iaas/adapters/ec2/security-rules.js';
import { rulesIn as rulesOfOned, vectorsOf } from '../../src/iaas/adapters/opennebula/security-rules.js';
import { templateXml } from '../../src/iaas/adapters/opennebula/template.js';
import { readDocument } from '../../src/iaas/document.js';
import {
  differenceOf,
  normalRules,
  readRule,
  writeRule,
  type NormalRule,
  type SecurityRule,
} from '../../src/iaas/security-groups.js';

const port = fc.integer({ min: 0, max: 65_535 });
const ports = fc.tuple(port, port).map(([one, other]) => [Math.min(one, other), Math.max(one, other)] as const);
const direction = fc.constantFrom('inbound', 'outbound');
const ipv4 = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 32 }))
  .map(
    ([address, prefix]) =>
      `${[24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')}/${prefix}`,
  );
const ipv6 = fc
  .tuple(
    fc.array(fc.integer({ min: 0, max: 65_535 }), { minLength: 8, maxLength: 8 }),
    fc.integer({ min: 0, max: 128 }),
  )
  .map(([groups, prefix]) => `${groups.map((group) => group.toString(16)).join(':')}/${prefix}`);
const ported = fc.record(
  { direction, protocol: fc.constantFrom('tcp', 'udp'), ports, range: fc.oneof(ipv4, ipv6) },
  { requiredKeys: ['direction', 'protocol'] },
);
const portless = fc.record(
  {
    direction,
    protocol: fc.constantFrom('icmp', '1', 'icmpv6', '58', 'tcp'),
    range: ipv4,
    version: fc.constant('ipv4'),
  },
  { requiredKeys: ['direction'] },
);
const rules = fc.array(fc.oneof(ported, portless)) as fc.Arbitrary<SecurityRule[]>;

describe('rules of security groups', () => {
  it('have one form, whatever their order and however they are written', () => {
    fc.assert(
      fc.property(rules, (each) => {
        const normal = normalRules(each);
        expect(normalRules(normal)).toEqual(normal);
        expect(normalRules([...each, ...each].reverse())).toEqual(normal);
        expect(normalRules(each.map((rule) => readRule(writeRule(rule))))).toEqual(normal);
        expect(differenceOf(normal, normal)).toEqual({ missing: [], surplus: [] });
      }),
    );
  });

  it.each<[what: string, rule: SecurityRule, normal: readonly Partial<NormalRule>[]]>([
    [
      'no version as both',
      { direction: 'inbound', protocol: '6' },
      [
        { version: 'ipv4', protocol: 'tcp' },
        { version: 'ipv6', protocol: 'tcp' },
      ],
    ],
    ['ICMP as IPv4', { direction: 'inbound', protocol: 'icmp' }, [{ version: 'ipv4', protocol: 'icmp' }]],
    [
      'a range by its version and its first address',
      { direction: 'inbound', range: '10.1.2.3/8' },
      [{ version: 'ipv4', range: '10.0.0.0/8' }],
    ],
    ['everything as no range', { direction: 'inbound', range: '::/0' }, [{ version: 'ipv6' }]],
    [
      'all ports as no ports',
      { direction: 'inbound', protocol: 'tcp', ports: [0, 65_535], version: 'ipv4' },
      [{ version: 'ipv4', protocol: 'tcp' }],
    ],
    ['what cannot be as nothing', { direction: 'inbound', protocol: 'icmp', version: 'ipv6' }, []],
  ])('take %s', (_what, rule, normal) => {
    expect(normalRules([rule])).toEqual(normal.map((each) => ({ direction: 'inbound', ...each })));
  });

  it('come back from EC2 as they went there, together or apart', () => {
    fc.assert(
      fc.property(rules, (each) => {
        const normal = normalRules(each);
        const permissions = (of: string): SecurityGroup['IpPermissions'] =>
          normal.filter((rule) => rule.direction === of).map(permissionOf);
        const group = { IpPermissions: permissions('inbound'), IpPermissionsEgress: permissions('outbound') };
        const back = rulesOfEc2(group as SecurityGroup).map(({ permission: _permission, ...rule }) => rule);
        expect(normalRules(back)).toEqual(normal);
      }),
    );
  });

  it('come back from oned as they went there, where it can say them', () => {
    const sayable = rules.map((each) =>
      normalRules(each).filter(
        (rule, _index, all) =>
          rule.version === 'ipv4' ||
          rule.protocol === 'icmpv6' ||
          (rule.range === undefined &&
            all.some(
              (twin) =>
                twin.version === 'ipv4' && JSON.stringify({ ...twin, version: 'ipv6' }) === JSON.stringify(rule),
            )),
      ),
    );
    fc.assert(
      fc.property(sayable, (normal) => {
        fc.pre(normal.every(({ protocol, range }) => protocol !== 'icmpv6' || range === undefined));
        const document = readDocument(templateXml({ RULE: vectorsOf(normal) }));
        expect(rulesOfOned(document)).toEqual(normal);
      }),
    );
  });

  it('are refused where a cloud would let more pass than they say', () => {
    const sctp: NormalRule = { direction: 'inbound', version: 'ipv4', protocol: 'sctp' };
    expect(permissionOf(sctp)).toMatchObject({ IpProtocol: '132' });
    for (const refused of [
      () => permissionOf({ ...sctp, ports: [1, 2] }),
      () => permissionOf({ ...sctp, protocol: 'made-up' }),
      () => vectorsOf([sctp]),
      () => vectorsOf([{ direction: 'inbound', version: 'ipv6', protocol: 'tcp' }]),
      () => vectorsOf([{ direction: 'inbound', version: 'ipv6', range: '2001:db8::/32' }]),
    ])
      expect(refused).toThrow(expect.objectContaining({ class: 'unsupported' }));
  });

  it('of others are none of VEP’s', () => {
    const pairs = { IpProtocol: '-1', UserIdGroupPairs: [{ GroupId: 'sg-0123456789abcdef0' }] };
    const ec2 = rulesOfEc2({ IpPermissions: [pairs] });
    const rule = '<RULE><PROTOCOL>ALL</PROTOCOL><RULE_TYPE>inbound</RULE_TYPE><NETWORK_ID>7</NETWORK_ID></RULE>';
    const one = rulesOfOned(readDocument(`<TEMPLATE>${rule}</TEMPLATE>`));
    for (const found of [ec2, one]) {
      expect(found).toHaveLength(1);
      expect(differenceOf(found, normalRules([{ direction: 'inbound' }])).surplus).toHaveLength(1);
    }
  });
});
