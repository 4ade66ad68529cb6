/** What is missing at a site of type `ec2`: each finding with the words of EC2 and what an administrator does about it. */

import { messageOf } from '../../../base/errors.js';
import { IaasError, type CallOptions, type SiteFinding } from '../../adapter.js';
import type { Ec2Api } from './api.js';
import type { Bucket } from './bucket.js';
import type { CloudWatch } from './cloud-watch.js';
import { isCode } from './ec2-error.js';
import { OPERATIONS, type In, type Operation } from './operations.js';
import type { Ec2Options } from './options.js';
import type { InstanceTypes } from './sizes.js';

export interface CheckServices {
  readonly api: Ec2Api;
  readonly types: InstanceTypes;
  readonly bucket: Bucket | undefined;
  readonly cloudWatch: CloudWatch | undefined;
  readonly options: Ec2Options;
}

export async function check(services: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const zones = await asking(() => zone(services, call), 'ec2.endpoint', {
    denied: 'see to the keys under credentials and to the clock of this machine',
    otherwise: 'see to region and endpoint, and to the way there',
  });
  if (zones.some(({ code }) => code === 'ec2.endpoint')) return zones;
  const findings = await Promise.all([
    rights(services, call),
    network(services, call),
    types(services, call),
    images(services, call),
    bucket(services, call),
    metrics(services, call),
  ]);
  return [...zones, ...findings.flat()];
}

async function zone({ api, options }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const { AvailabilityZones: zones = [] } = await api.ask('DescribeAvailabilityZones', {}, call);
  const found = zones.find(({ ZoneName }) => ZoneName === options.zone);
  if (found?.State === 'available') return [];
  const names = zones.map(({ ZoneName }) => ZoneName).join(', ');
  return [
    {
      code: 'ec2.zone',
      message: found
        ? `the zone ${options.zone} is ${found.State}`
        : `EC2 has no zone ${options.zone}, which zone names`,
      remedy: `name one of ${names || 'the zones of the region'}`,
    },
  ];
}

/** Asks for everything that will be asked, as a dry run: EC2 says what the account may not do, and does nothing. */
async function rights({ api, options }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const denied: string[] = [];
  await Promise.all(
    needed(options).map(async (operation) => {
      const input = { ...OPERATIONS[operation], DryRun: true } as In<typeof operation>;
      await api.ask(operation, input, call).catch((error: unknown) => {
        if (isCode(error, /^UnauthorizedOperation$/)) denied.push(operation);
        // Anything else is said about the things named, of which there are none.
        else if (error instanceof IaasError && error.class === 'transient') throw error;
      });
    }),
  ).catch((error: unknown) => denied.push(`(${messageOf(error)})`));
  if (denied.length === 0) return [];
  return [
    {
      code: 'ec2.rights',
      message: `the account may not: ${denied.sort().join(', ')}`,
      remedy: 'allow these actions of ec2 in the policy of the user or role; docs/adapters/ec2.md has all of them',
    },
  ];
}

const OF_NETWORKS: readonly Operation[] = [
  'AuthorizeSecurityGroupIngress',
  'CreateSecurityGroup',
  'CreateSubnet',
  'DeleteSecurityGroup',
  'DeleteSubnet',
  'DescribeSecurityGroups',
];
const OF_IMPORT: readonly Operation[] = ['DescribeImportSnapshotTasks', 'ImportSnapshot', 'RegisterImage'];

const OF_PLACEMENT: readonly Operation[] = ['CreatePlacementGroup', 'DeletePlacementGroup', 'DescribePlacementGroups'];

/** What a site with these options asks for. */
export function needed(options: Pick<Ec2Options, 'network' | 'images' | 'placementGroups'>): readonly Operation[] {
  const without = [
    ...(options.network.vpc === undefined ? OF_NETWORKS : []),
    ...(options.images.bucket === undefined ? OF_IMPORT : []),
    ...(options.placementGroups ? [] : OF_PLACEMENT),
  ];
  return (Object.keys(OPERATIONS) as Operation[]).filter((operation) => !without.includes(operation));
}

async function network({ api, options }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const { vpc, subnet, securityGroups } = options.network;
  const remedies = { denied: 'allow the actions that describe networks', otherwise: 'see the words of EC2' };
  return asking(
    async () => {
      const findings: SiteFinding[] = [];
      const missing = (key: string, what: string, remedy: string): void =>
        void findings.push({ code: `ec2.${key}`, message: `${what}, which network.${key} names`, remedy });
      if (vpc !== undefined) {
        const { Vpcs: found = [] } = await api.ask('DescribeVpcs', { Filters: filter('vpc-id', vpc) }, call);
        if (found.length === 0)
          missing('vpc', `EC2 has no VPC ${vpc}`, 'name one of this region (aws ec2 describe-vpcs)');
      }
      const { Subnets: subnets = [] } = await api.ask(
        'DescribeSubnets',
        { Filters: subnet === undefined ? filter('default-for-az', 'true') : filter('subnet-id', subnet) },
        call,
      );
      const here = subnets.find(({ AvailabilityZone }) => AvailabilityZone === options.zone);
      if (subnet !== undefined && !here) {
        const where = subnets[0]?.AvailabilityZone;
        const what = where === undefined ? `EC2 has no subnet ${subnet}` : `the subnet ${subnet} is in ${where}`;
        missing('subnet', what, `name a subnet in ${options.zone}, or leave it out where the zone has a default one`);
      }
      if (subnet === undefined && !here)
        findings.push({
          code: 'ec2.subnet',
          message: `${options.zone} has no default subnet, and network.subnet names none`,
          remedy: 'name the subnet of machines that are launched without a network under network.subnet',
        });
      if (securityGroups.length > 0) {
        const answer = await api.ask(
          'DescribeSecurityGroups',
          { Filters: filter('group-id', ...securityGroups) },
          call,
        );
        const known = new Set(answer.SecurityGroups?.map(({ GroupId }) => GroupId));
        for (const group of securityGroups)
          if (!known.has(group)) missing('securityGroups', `EC2 has no security group ${group}`, 'name its id (sg-…)');
      }
      return findings;
    },
    'ec2.network',
    remedies,
  );
}

async function types(services: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const remedies = {
    denied: 'allow ec2:DescribeInstanceTypes, or name types with their sizes under instanceTypes',
    otherwise: 'name types with their sizes under instanceTypes: {name, cores, memoryMib}',
  };
  return asking(
    async () =>
      (await services.types.all(call)).length > 0
        ? []
        : [
            {
              code: 'ec2.instance-types',
              message: 'EC2 has none of the types under instanceTypes',
              remedy: 'name some that it has (aws ec2 describe-instance-types); * stands for anything',
            },
          ],
    'ec2.instance-types',
    remedies,
  );
}

async function images({ api, options }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const { bucket, known } = options.images;
  if (bucket === undefined && known.length === 0)
    return [
      {
        code: 'ec2.images',
        message: 'neither images.bucket nor images.known is set: no appliance can be deployed',
        remedy: 'name a bucket for EC2 to import from, or images that are there by the SHA-256 of their files',
      },
    ];
  if (known.length === 0) return [];
  return asking(
    async () => {
      const ids = known.map(({ image }) => image);
      const { Images: found = [] } = await api.ask('DescribeImages', { Filters: filter('image-id', ...ids) }, call);
      return ids
        .filter((id) => !found.some(({ ImageId }) => ImageId === id))
        .map((id) => ({
          code: 'ec2.images',
          message: `EC2 has no image ${id}, which images.known names, or does not show it to this account`,
          remedy: 'name one of this region that the account may launch',
        }));
    },
    'ec2.images',
    { denied: 'allow ec2:DescribeImages', otherwise: 'see the words of EC2' },
  );
}

async function bucket(services: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const place = services.bucket;
  if (!place) return [];
  return asking(() => place.check(call).then(() => []), 'ec2.bucket', {
    denied: `allow s3:ListBucket, s3:PutObject and s3:DeleteObject on the bucket ${place.name}`,
    otherwise: 'make the bucket, in the region of the site, or see to images.bucket',
  });
}

async function metrics({ cloudWatch }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  if (!cloudWatch) return [];
  return asking(() => cloudWatch.samples(['i-00000000'], call).then(() => []), 'ec2.metrics', {
    denied: 'allow cloudwatch:GetMetricData, or leave out metrics',
    otherwise: 'see to metrics.endpoint and to the way there',
  });
}

const filter = (Name: string, ...Values: string[]): { Name: string; Values: string[] }[] => [{ Name, Values }];

async function asking(
  ask: () => Promise<readonly SiteFinding[]>,
  code: string,
  remedies: { readonly denied: string; readonly otherwise: string },
): Promise<readonly SiteFinding[]> {
  try {
    return await ask();
  } catch (error) {
    const denied = error instanceof IaasError && error.class === 'denied';
    return [{ code, message: messageOf(error), remedy: denied ? remedies.denied : remedies.otherwise }];
  }
}
