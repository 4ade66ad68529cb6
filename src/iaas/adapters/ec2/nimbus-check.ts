/** What is missing at a site of type `nimbus`. */

import { messageOf } from '../../../base/errors.js';
import { IaasError, type CallOptions, type SiteFinding } from '../../adapter.js';
import { items } from './nimbus-machines.js';
import type { NimbusOptions } from './nimbus-options.js';
import type { NimbusQuery } from './nimbus-query.js';

export async function checkNimbus(
  query: NimbusQuery,
  { zone, images }: NimbusOptions,
  call: CallOptions,
): Promise<readonly SiteFinding[]> {
  try {
    const findings: SiteFinding[] = [];
    const zones = items(await query.ask('DescribeAvailabilityZones', {}, call), 'availabilityZoneInfo');
    const names = zones.map((each) => each.value('zoneName'));
    if (zone !== undefined && !names.includes(zone))
      findings.push({
        code: 'nimbus.zone',
        message: `Nimbus has no resource pool ${zone}, which zone names`,
        remedy: `name one of ${names.join(', ')}, or leave it out`,
      });
    const there = items(await query.ask('DescribeImages', {}, call), 'imagesSet').map((each) => each.value('imageId'));
    if (images.known.length === 0)
      findings.push({
        code: 'nimbus.images',
        message: 'images.known names none: no appliance can be deployed',
        remedy: 'put images into Cumulus and name them by the SHA-256 of the files that appliances bring',
      });
    for (const { image } of images.known)
      if (!there.includes(image))
        findings.push({
          code: 'nimbus.images',
          message: `Nimbus has no image ${image}, which images.known names`,
          remedy: `put it into Cumulus (bucket Repo); there are: ${there.slice(0, 10).join(', ') || 'none'}`,
        });
    return findings;
  } catch (error) {
    const denied = error instanceof IaasError && error.class === 'denied';
    return [
      {
        code: 'nimbus.endpoint',
        message: messageOf(error),
        remedy: denied
          ? 'see to accessId and secret under credentials (nimbus-list-users) and to the clock of this machine'
          : 'see to the endpoint (https, port 8444), to certificateAuthorities, and to the service node',
      },
    ];
  }
}
