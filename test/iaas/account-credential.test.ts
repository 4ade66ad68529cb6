/** How users write credentials of their own for sites (K35), and what becomes of the options of a site with them. */

import { Problem } from '../../src/base/errors.js';
import { withAccount as withEc2Account } from '../../src/iaas/adapters/ec2/account.js';
import { ec2Capabilities } from '../../src/iaas/adapters/ec2/capabilities.js';
import { readEc2Options } from '../../src/iaas/adapters/ec2/options.js';
import { withAccount as withProject } from '../../src/iaas/adapters/openstack/account.js';
import { readOpenStackOptions } from '../../src/iaas/adapters/openstack/options.js';
import { SiteTypes } from '../../src/iaas/site-type.js';
import { ec2 } from '../../src/iaas/adapters/ec2/site-type.js';
import { simulator } from '../../src/iaas/adapters/simulator/site-type.js';

const EC2 = readEc2Options({
  region: 'eu-central-1',
  zones: ['eu-central-1a'],
  country: 'DE',
  credentials: { accessKeyId: { env: 'KEY' }, secretAccessKey: { env: 'SECRET' } },
  capacity: { cores: 1, memoryGib: 1, storageGib: 1 },
  network: { vpc: 'vpc-0a', subnets: ['subnet-0a'], securityGroups: ['sg-0a'] },
  images: { bucket: { name: 'theirs', endpoint: 'https://s3.example.org', partMib: 8 } },
});
const STACK = readOpenStackOptions({
  authUrl: 'https://cloud.example.org:5000/v3',
  credentials: { method: 'password', user: 'vep', password: { env: 'SECRET' }, project: 'vep' },
  hosts: { country: 'DE', choose: true },
  networks: { router: 'outside', external: 'public', securityGroups: ['web'] },
  tenants: { others: 'create' },
});

const problemOf = (read: () => unknown): Problem => {
  try {
    read();
  } catch (error) {
    if (error instanceof Problem) return error;
  }
  throw new Error('it has been taken');
};

it('gives an account of EC2 its own key, VPC and bucket, and nothing that lies in the account of the site', () => {
  const all = withEc2Account(
    EC2,
    'ec2 AKIA se/cret+ tok== vpc=vpc-0b subnet=subnet-0b bucket=my-images',
    '0123456789ab',
  );
  expect(all).toMatchObject({
    realm: 'vep.0123456789ab',
    capacity: { cores: 1e9, memoryGib: 1e9, storageGib: 1e9 },
    credentials: {
      accessKeyId: { text: 'AKIA' },
      secretAccessKey: { text: 'se/cret+' },
      sessionToken: { text: 'tok==' },
    },
    network: { vpc: 'vpc-0b', subnets: ['subnet-0b'], securityGroups: [] },
    images: { bucket: { name: 'my-images', endpoint: 'https://s3.example.org', partMib: 8, prefix: 'vep/' } },
  });
  const least = withEc2Account(EC2, 'ec2 AKIA secret', '0123456789ab');
  expect(Object.keys({ ...least.network, ...least.images })).not.toEqual(
    expect.arrayContaining([expect.stringMatching(/^(vpc|bucket)$/)]),
  );
  expect(least.network.subnets).toEqual([]);
  expect(ec2Capabilities(least).network.has('create')).toBe(false);
});

it('makes an account of OpenStack an ordinary member of its project', () => {
  const own = withProject(STACK, 'openstack 0a1b secret router=mine', '0123456789ab');
  expect(own).toMatchObject({
    realm: 'vep.0123456789ab',
    credentials: { method: 'application_credential', id: '0a1b', secret: { text: 'secret' } },
    hosts: { choose: false },
    metrics: { diagnostics: false },
    networks: { router: 'mine', external: 'public', securityGroups: [] },
    tenants: { others: 'own', projects: [], limits: false },
  });
  expect(withProject(STACK, 'openstack 0a1b secret', '0123456789ab').networks).not.toHaveProperty('external');
});

it.each([
  ['openstack 0a1b secret', 1],
  ['ec2 hidden', 1],
  ['ec2 a b c hidden', 1],
  ['aws hidden hidden vpc=hidden bucket=H!dden', 3],
])('refuses %j with all that is wrong, and repeats none of it', (text, count) => {
  const problem = problemOf(() => withEc2Account(EC2, text, '0123456789ab'));
  expect(problem.faults).toHaveLength(count);
  expect(
    problem.faults.every(({ code, remedy }) => code === 'site.credential' && remedy?.startsWith('write "ec2 <')),
  ).toBe(true);
  expect(JSON.stringify(problem.faults)).not.toMatch(/h[i!]dden/i);
});

it('is a matter of the configuration, in which sites that take none cannot say so, nor the first one require it', () => {
  const types = new SiteTypes([simulator, ec2]);
  const options = { ...EC2 } as never;
  const sites = [
    { name: 'cloud', type: 'ec2', userCredentials: 'required' as const, options },
    { name: 'sim', type: 'simulator', userCredentials: 'allowed' as const, options: {} },
  ];
  expect(problemOf(() => types.read(sites)).faults.map(({ code, place }) => [code, place?.path])).toEqual([
    ['config.user-credentials', 'sites.sim.userCredentials'],
    ['config.user-credentials', 'sites.cloud.userCredentials'],
  ]);
  expect(
    types.automatic([
      { name: 'home', type: 'simulator', options: {} },
      { ...sites[0]!, automatic: true },
    ]),
  ).toEqual(['home']);
});
