/**
 * What a volume of EBS is attached to. EBS keeps no tags on attachments: the volume says for which link it was attached and to which
 * instance, and a mark for an instance it is no longer with counts for nothing. One that several instances may have says it
 * of each under a key of its own.
 */

import type { ComputeSpec } from '../../adapter.js';
import type { Tag, Volume, VolumeAttachment } from '@aws-sdk/client-ec2';
import { kept, unkept } from '../../kept-text.js';
import { digestOf, tagOf, tagsOf } from './marks.js';

/** For which instance (or `boot`), digest of the link's token, the link's id. */
const LINK = 'vep:attachment';
/** On a boot disk: `link` when the attachment was let go of, `volume` when the volume itself was. */
export const LEFT = 'vep:left';
const BOOT = 'boot';

export interface Link {
  readonly boot: boolean;
  readonly instance: string;
  readonly token: string;
  readonly id: string;
  readonly attachment: VolumeAttachment;
}

/** Tags of the volume that is made with its machine. */
export function bootTags(realm: string, { storage, attachment }: NonNullable<ComputeSpec['boot']>): Tag[] {
  return tagsOf(realm, storage, storage.id, { [LINK]: linkTag(BOOT, attachment, attachment) });
}

export const linkTag = (instance: string, token: string, id: string): string =>
  `${instance} ${digestOf(token)} ${kept(id)}`;

/** Key of the tag that says for which link a volume is attached to an instance. */
export const linkKey = (volume: Volume, instance: string): string => (isShared(volume) ? `${LINK}:${instance}` : LINK);

export const isShared = ({ MultiAttachEnabled }: Volume): boolean => MultiAttachEnabled === true;

/** The attachments that a volume has now and that VEP knows of. */
export function linksOf(volume: Volume): readonly Link[] {
  return (volume.Attachments ?? []).flatMap((attachment): Link[] => {
    const instance = attachment.InstanceId ?? '';
    const tag = tagOf(volume.Tags, linkKey(volume, instance)) ?? '';
    const [, owner, token = '', id = ''] = /^(\S+) (\S+) (\S*)$/.exec(tag) ?? [];
    if (owner !== BOOT && owner !== instance) return [];
    return [{ boot: owner === BOOT, instance, token, id: unkept(id), attachment }];
  });
}

/** Instances of which a volume that several may have says something, and which do not have it. */
export function formerHolders({ Tags: tags = [], Attachments: attachments = [] }: Volume): readonly string[] {
  const named = tags.flatMap(({ Key = '' }) => (Key.startsWith(`${LINK}:`) ? [Key.slice(LINK.length + 1)] : []));
  return named.filter((instance) => !attachments.some(({ InstanceId }) => InstanceId === instance));
}

export const isBoot = ({ Tags }: Volume): boolean => (tagOf(Tags, LINK) ?? '').startsWith(`${BOOT} `);
