/** What is missing at a site of type `ec2`: each finding with the words of EC2 and what an administrator does about it. */

import type { Subnet } from '@aws-sdk/client-ec2';
import { messageOf } from '../../../base/errors.js';
import { IaasError, type CallOptions, type SiteFinding } from '../../adapter.js';
import type { Ec2Api } from './api.js';
import type { Bucket } from './bucket.js';
import type { CloudWatch } from './cloud-watch.js';
import { isCode } from './ec2-error.js';
import { OPERATIONS, type In, type Operation } from './operations.js';
import type { Ec2Options } from './options.js';
import type { InstanceTypes } from './sizes.js';
import type { Zones } from './zones.js';

export interface CheckServices {
  readonly api: Ec2Api;
  readonly zones: Zones;
  readonly types: InstanceTypes;
  readonly bucket: Bucket | undefined;
  readonly cloudWatch: CloudWatch | undefined;
  readonly options: Ec2Options;
}

/** What to do where EC2 cannot be asked. */
const REACH = {
  denied: 'see to the keys under credentials and to the clock of this machine',
  otherwise: 'see to region and endpoint, and to the way there',
};

export async function check(services: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const found = await asking(() => zones(services, call), 'ec2.endpoint', REACH);
  if (found.some(({ code }) => code === 'ec2.endpoint')) return found;
  const findings = await Promise.all([
    asking(() => rights(services, call), 'ec2.endpoint', REACH),
    network(services, call),
    types(services, call),
    images(services, call),
    bucket(services, call),
    metrics(services, call),
  ]);
  return [...found, ...findings.flat()];
}

async function zones({ api, options }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const { AvailabilityZones: known = [] } = await api.ask('DescribeAvailabilityZones', {}, call);
  const names = known.map(({ ZoneName }) => ZoneName).join(', ');
  return options.zones.flatMap((zone) => {
    const found = known.find(({ ZoneName }) => ZoneName === zone);
    if (found?.State === 'available') return [];
    return [
      {
        code: 'ec2.zone',
        message: found ? `the zone ${zone} is ${found.State}` : `EC2 has no zone ${zone}, which zones names`,
        remedy: `name some of ${names || 'the zones of the region'}`,
      },
    ];
  });
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
  );
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

const OF_SHARING: readonly Operation[] = ['DeleteTags'];

/** What a site with these options asks for. */
export function needed(
  options: Pick<Ec2Options, 'network' | 'images' | 'placementGroups' | 'volumes'>,
): readonly Operation[] {
  const without = [
    ...(options.network.vpc === undefined ? OF_NETWORKS : []),
    ...(options.images.bucket === undefined ? OF_IMPORT : []),
    ...(options.placementGroups ? [] : OF_PLACEMENT),
    ...(options.volumes.shared ? [] : OF_SHARING),
  ];
  return (Object.keys(OPERATIONS) as Operation[]).filter((operation) => !without.includes(operation));
}

async function network(services: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const remedies = { denied: 'allow the actions that describe networks', otherwise: 'see the words of EC2' };
  const findings = [vpc, subnets, securityGroups].map((part) =>
    asking(() => part(services, call), 'ec2.network', remedies),
  );
  return (await Promise.all(findings)).flat();
}

async function vpc({ api, options }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const { vpc: named } = options.network;
  if (named === undefined) return [];
  const { Vpcs: found = [] } = await api.ask('DescribeVpcs', { Filters: filter('vpc-id', named) }, call);
  if (found.length > 0) return [];
  return [missing('vpc', `EC2 has no VPC ${named}`, 'name one of this region (aws ec2 describe-vpcs)')];
}

async function subnets(
  { api, zones: all, options }: CheckServices,
  call: CallOptions,
): Promise<readonly SiteFinding[]> {
  const { subnets: named } = options.network;
  const names = await all.all(call);
  const described = async (...filters: Parameters<typeof filter>): Promise<readonly Subnet[]> =>
    (await api.ask('DescribeSubnets', { Filters: filter(...filters) }, call)).Subnets ?? [];
  const usual = await described('default-for-az', 'true');
  const found = named.length === 0 ? [] : await described('subnet-id', ...named);
  const strange = named.flatMap((id) => {
    const subnet = found.find(({ SubnetId }) => SubnetId === id);
    if (subnet && names.includes(subnet.AvailabilityZone ?? '')) return [];
    const what = subnet ? `the subnet ${id} is in ${subnet.AvailabilityZone}` : `EC2 has no subnet ${id}`;
    return [missing('subnets', what, `name subnets in ${names.join(', ')}, or none where a zone has a default one`)];
  });
  const without = names.filter((zone) => ![...usual, ...found].some((subnet) => subnet.AvailabilityZone === zone));
  return [
    ...strange,
    ...without.map((zone) => ({
      code: 'ec2.subnets',
      message: `${zone} has no default subnet, and network.subnets names none of it`,
      remedy: 'name the subnet of machines that are launched there without a network under network.subnets',
    })),
  ];
}

async function securityGroups({ api, options }: CheckServices, call: CallOptions): Promise<readonly SiteFinding[]> {
  const { securityGroups: named } = options.network;
  if (named.length === 0) return [];
  const answer = await api.ask('DescribeSecurityGroups', { Filters: filter('group-id', ...named) }, call);
  const known = new Set(answer.SecurityGroups?.map(({ GroupId }) => GroupId));
  return named
    .filter((group) => !known.has(group))
    .map((group) => missing('securityGroups', `EC2 has no security group ${group}`, 'name its id (sg-…)'));
}

const missing = (key: string, what: string, remedy: string): SiteFinding => ({
  code: `ec2.${key}`,
  message: `${what}, which network.${key} names`,
  remedy,
});

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
              message: services.options.volumes.shared
                ? 'EC2 has none of the types under instanceTypes that can share volumes (those of the Nitro system)'
                : 'EC2 has none of the types under instanceTypes',
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
