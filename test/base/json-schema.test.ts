/** The schemas of the configuration are sound themselves: nothing checks that when a server starts. */

import { Ajv2020 } from 'ajv/dist/2020.js';
import { configSchema } from '../../src/base/config-schema.js';
import type { JsonObject } from '../../src/base/json.js';
import { schemaCheck } from '../../src/base/json-schema.js';
import { nimbusOptionsSchema } from '../../src/iaas/adapters/ec2/nimbus-options.js';
import { ec2OptionsSchema } from '../../src/iaas/adapters/ec2/options.js';
import { libvirtOptionsSchema } from '../../src/iaas/adapters/libvirt/options.js';
import { occiOptionsSchema } from '../../src/iaas/adapters/occi/options.js';
import { openNebulaOptionsSchema } from '../../src/iaas/adapters/opennebula/options.js';
import { openStackOptionsSchema } from '../../src/iaas/adapters/openstack/options.js';
import { simulatorConfigSchema } from '../../src/iaas/adapters/simulator/config.js';
import { siteTypeNames } from '../../src/server/configured-sites.js';

const OPTIONS: Readonly<Record<string, JsonObject>> = {
  simulator: simulatorConfigSchema,
  opennebula: openNebulaOptionsSchema,
  openstack: openStackOptionsSchema,
  ec2: ec2OptionsSchema,
  nimbus: nimbusOptionsSchema,
  occi: occiOptionsSchema,
  libvirt: libvirtOptionsSchema,
};

const ajv = new Ajv2020();

it.each(Object.entries({ 'the configuration': configSchema, ...OPTIONS }))('%s fits the meta-schema', (_, schema) => {
  void ajv.validateSchema(schema);
  expect(ajv.errors ?? []).toEqual([]);
});

it('knows the schema of every type of site', () => {
  expect(Object.keys(OPTIONS).sort()).toEqual([...siteTypeNames].sort());
});

it('fills in defaults, and tells every fault of a value', () => {
  const check = schemaCheck({
    type: 'object',
    additionalProperties: false,
    properties: { port: { type: 'integer', default: 8787 }, name: { type: 'string' } },
  });
  const value = { name: 'a' };
  expect(check(value)).toEqual([]);
  expect(value).toEqual({ name: 'a', port: 8787 });
  expect(check({ name: 1, port: 'x', other: 1 })).toHaveLength(3);
});
