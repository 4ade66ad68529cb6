/**
 * Launching machines: EC2 knows none that has never run. One is launched under a client token, so that a second try is the first, in
 * the first of its zones that has room for it.
 */

import type { _InstanceType as InstanceTypeName } from '@aws-sdk/client-ec2';
import { IaasError, type CallOptions, type ComputeSpec } from '../../adapter.js';
import type { Ec2Api } from './api.js';
import { Ec2Error, isCode } from './ec2-error.js';
import type { Bootable, Images } from './images.js';
import type { Instances } from './instances.js';
import type { KeyPairs } from './key-pairs.js';
import type { LaunchInterfaces, Prepared } from './launch-interfaces.js';
import type { LaunchZones } from './launch-zones.js';
import { digestOf, tagged, tagsOf } from './marks.js';
import type { In, Out } from './operations.js';
import type { Ec2Options } from './options.js';
import type { PlacementGroup, PlacementGroups } from './placement-groups.js';
import { SIZE_TAG, sizeTag, type InstanceType, type InstanceTypes } from './sizes.js';
import { userDataOf } from './user-data.js';
import { bootTags } from './volume-links.js';
import { hasNoRoom, type Zones } from './zones.js';

export interface LaunchServices {
  readonly api: Ec2Api;
  readonly zones: Zones;
  readonly instances: Instances;
  readonly types: InstanceTypes;
  readonly images: Images;
  readonly launchZones: LaunchZones;
  readonly launchInterfaces: LaunchInterfaces;
  readonly keyPairs: KeyPairs;
  readonly placementGroups: PlacementGroups;
  readonly options: Ec2Options;
}

/** Everything that a launch needs to know beside what is asked for. */
interface Launch {
  readonly spec: ComputeSpec;
  readonly token: string;
  readonly image: Bootable;
  readonly type: InstanceType;
  /** How many EC2 still shows that were made for the token and are gone. */
  readonly gone: number;
}

export class Launches {
  readonly #services: LaunchServices;

  constructor(services: LaunchServices) {
    this.#services = services;
  }

  async launch(spec: ComputeSpec, token: string, gone: number, call: CallOptions): Promise<string> {
    const { images, types, launchZones, placementGroups, options } = this.#services;
    const image = await images.bootable(spec.image ?? spec.boot?.storage.image ?? '', call);
    const strategy = placementGroups.needed(spec);
    const needs = {
      architecture: image.architecture,
      interfaces: spec.nics?.length ?? 0,
      hibernates: options.hibernation,
      ...(strategy === undefined ? {} : { strategy }),
    };
    const type = await types.fitting(spec, needs, call);
    const zones = await launchZones.of(spec, token, type.name, call);
    try {
      return await this.#inTurn(zones, { spec, token, image, type, gone }, call);
    } catch (error) {
      return this.#afterFailure(error, spec, token, call);
    }
  }

  /** @throws IaasError `capacity` when no zone has room */
  async #inTurn(zones: readonly string[], launch: Launch, call: CallOptions): Promise<string> {
    const refusals: IaasError[] = [];
    for (const zone of zones) {
      try {
        return await this.#grouped(zone, launch, call);
      } catch (error) {
        if (!hasNoRoom(error)) throw error;
        if (error instanceof Ec2Error) this.#services.zones.refused(zone, launch.type.name);
        refusals.push(error);
      }
    }
    const [last] = refusals.slice(-1);
    if (last && refusals.length === 1) throw last;
    throw new IaasError(
      'capacity',
      `none of the zones ${zones.join(', ')} has room for a machine of the type ${launch.type.name}: try again later, or name others under zones or instanceTypes`,
      last?.said,
      last,
    );
  }

  /** Into the group of its neighbours; to be near them is a wish, without which it is launched where there is no room. */
  async #grouped(zone: string, launch: Launch, call: CallOptions): Promise<string> {
    const group = await this.#services.placementGroups.of(launch.spec, launch.type, zone, call);
    try {
      return await this.#run(zone, launch, group, call);
    } catch (error) {
      const alone = group?.strategy === 'cluster' && error instanceof IaasError && error.class === 'capacity';
      if (!alone) throw error;
      return this.#run(zone, launch, undefined, call);
    }
  }

  async #run(zone: string, launch: Launch, group: PlacementGroup | undefined, call: CallOptions): Promise<string> {
    const { instances, keyPairs, launchInterfaces, options } = this.#services;
    const { spec, token, image, type } = launch;
    const tags = tagsOf(options.realm, spec, token, { [SIZE_TAG]: sizeTag(spec, type.name) });
    const key = await keyPairs.of(spec, token, call);
    const nics = await launchInterfaces.prepare(spec, token, zone, call);
    const answer = await this.#ask(
      launch,
      nics,
      {
        ImageId: image.ref,
        MinCount: 1,
        MaxCount: 1,
        InstanceType: type.name as InstanceTypeName,
        Placement: { AvailabilityZone: zone, ...(group ? { GroupName: group.name } : {}) },
        NetworkInterfaces: nics.specifications,
        BlockDeviceMappings: [
          {
            DeviceName: image.rootDevice,
            Ebs: {
              VolumeSize: Math.max(image.rootGib, gibOf(spec.boot?.storage.sizeBytes ?? 0)),
              VolumeType: options.volumes.type,
              DeleteOnTermination: true,
              ...(options.volumes.encrypted || options.hibernation ? { Encrypted: true } : {}),
            },
          },
        ],
        InstanceInitiatedShutdownBehavior: 'stop',
        MetadataOptions: { HttpTokens: options.metadataTokens, HttpEndpoint: 'enabled' },
        TagSpecifications: [
          ...tagged('instance', tags),
          ...(spec.boot ? tagged('volume', bootTags(options.realm, spec.boot)) : []),
        ],
        ...(options.hibernation ? { HibernationOptions: { Configured: true } } : {}),
        ...(key === undefined ? {} : { KeyName: key }),
        ...userDataOf(spec),
      },
      call,
    );
    const made = answer.Instances?.[0]?.InstanceId;
    if (made === undefined) throw new IaasError('transient', 'EC2 answers without an instance', 'no instance');
    instances.born(made, spec.id, { cores: spec.cores, memoryBytes: spec.memoryBytes });
    return made;
  }

  /** Under a token that EC2 does not hold for an instance that is gone: it tells of those that it no longer shows. */
  async #ask(
    launch: Launch,
    nics: Prepared,
    input: In<'RunInstances'>,
    call: CallOptions,
  ): Promise<Out<'RunInstances'>> {
    for (let gone = launch.gone; ; gone += 1)
      try {
        const ClientToken = clientToken(launch.token, nics, gone);
        return await this.#services.api.ask('RunInstances', { ...input, ClientToken }, call);
      } catch (error) {
        if (!isCode(error, /^IdempotentInstanceTerminated$/)) throw error;
      }
  }

  /** A token that was used already with something else; or a launch that came to nothing, whose parts must not stay. */
  async #afterFailure(error: unknown, spec: ComputeSpec, token: string, call: CallOptions): Promise<string> {
    if (isCode(error, /^IdempotentParameterMismatch$/)) {
      const { machine } = await this.#services.instances.find(token, call);
      if (machine) return machine.id;
      throw new IaasError('transient', 'EC2 does not show the instance of this token yet', 'not shown', error);
    }
    const lacking = LACKING.find(([code]) => isCode(error, code))?.[1];
    if (lacking !== undefined) throw new IaasError('transient', lacking, 'not shown', error);
    if (error instanceof IaasError && error.class !== 'transient') {
      await this.#services.launchInterfaces.discard(spec, token, call).catch(() => undefined);
      await this.#services.keyPairs.forgetOf(token, call).catch(() => undefined);
    }
    throw error;
  }
}

/** Refusals that a further look at EC2, and a further try, may not meet. */
const LACKING: readonly (readonly [code: RegExp, message: string])[] = [
  [/^InvalidPlacementGroup\.Unknown$/, 'EC2 does not show the new placement group yet'],
  [/^InvalidNetworkInterfaceID\.NotFound$/, 'EC2 does not show an interface of the machine yet, or no longer'],
  [/^InvalidNetworkInterface\.InUse$/, 'EC2 does not show yet that the machine is being launched'],
];

/**
 * A token stands for one instance, in one zone and of one interface, for ever: a launch elsewhere needs another, and so does one
 * after a machine that is gone.
 */
function clientToken(token: string, { first }: Prepared, gone: number): string {
  const digest = digestOf(first === undefined ? token : `${token} ${first}`);
  return gone === 0 ? digest : `${digest}-${gone}`;
}

const gibOf = (bytes: number): number => Math.ceil(bytes / 2 ** 30);
