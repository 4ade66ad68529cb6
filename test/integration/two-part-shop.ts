/** A shop that two sites can share: two machines on a network of their own and two on another, of two cores each; all on `public`. */

import { collection, envelope, item, product, property, system } from '../ovf/plan-support.js';

export interface ShopParts {
  /** Reference of a file that every disk is made from; absent: blank disks. */
  readonly image?: string;
  /** Asks for a password, which all machines of `front` see. */
  readonly password?: true;
}

const START = `<StartupSection><Info/><Item ovf:id="back" ovf:order="0"/><Item ovf:id="front" ovf:order="1"/></StartupSection>`;

export function twoPartShop({ image, password }: ShopParts = {}): string {
  const machine = (id: string, network: string): string =>
    system(id, {
      bare: true,
      items:
        item({ id: 'cpu', type: 3, quantity: 2 }) +
        item({ id: 'mem', type: 4, quantity: 1, units: 'byte * 2^30' }) +
        item({ id: 'scsi', type: 6, address: '0' }) +
        item({ id: 'disk', type: 17, resource: `ovf:/disk/${id}-disk`, parent: 'scsi', slot: 0 }) +
        item({ id: 'nic', type: 10, connection: network }) +
        item({ id: 'out', type: 10, connection: 'public' }),
    });
  const from =
    image === undefined ? '' : 'ovf:fileRef="file" ovf:format="http://www.gnome.org/~markmc/qcow-image-format.html"';
  const disks = ['web', 'cache', 'db', 'log'].map(
    (id) => `<Disk ovf:diskId="${id}-disk" ovf:capacity="1" ovf:capacityAllocationUnits="byte * 2^30" ${from}/>`,
  );
  const asked = password
    ? product([
        property('secret', 'ovf:userConfigurable="true" ovf:password="true"'),
        property('greeting', 'ovf:value="hello"'),
      ])
    : '';
  const front = collection('front', asked + machine('web', 'front-net') + machine('cache', 'front-net'));
  const back = collection('back', machine('db', 'back-net') + machine('log', 'back-net'));
  return envelope(collection('shop', front + back, START), {
    references: image === undefined ? '' : `<File ovf:id="file" ovf:href="${image}"/>`,
    disks: disks.join(''),
    networks: ['front-net', 'back-net', 'public'],
  });
}
