/** The domain of a machine of VEP's: what libvirt is told of it. */

import { xml, xmlText, type XmlLiteral } from '../../translation/xml.js';
import { domainLiteral, VEP_NAMESPACE } from '../../translation/libvirt-domain.js';
import { blockOf, parseCidr, textOf } from '../../ranges.js';
import { formatOf, type Home } from './home.js';
import { domainName, modelText, type DiskModel, type MachineModel, type NicModel } from './marks.js';

export interface DomainChoices {
  readonly home: Home;
  readonly type: 'qemu' | 'kvm';
  readonly bridge: string | undefined;
  /** What libvirt calls the domain; absent: VEP's own name for it. */
  readonly name?: string;
  /** Range of each network, by its reference. */
  readonly cidrOf: (network: string) => string;
}

/** Ports of the PCIe root that nothing is in yet: what is plugged into a running machine needs one each. */
const SPARE_PORTS = 8;
/** Disks are sda to sdy; the CD is the last of the letters. */
export const DISK_LETTERS = 'abcdefghijklmnopqrstuvwxy';
const CD_TARGET = 25;

export const ACCESS_ALIAS = 'ua-access';

/** The name under which libvirt knows a plug: letters, digits, hyphens, behind its prefix for those of users. */
export function aliasOf({ token }: { readonly token: string }): string {
  return `ua-${token.slice(0, 32)}`;
}

export function domainDocument(uuid: string, model: MachineModel, choices: DomainChoices): string {
  const { home, type } = choices;
  const disks = [
    ...(model.image === undefined ? [] : [diskLiteral(home.machine(uuid, 'boot.qcow2'), 'sda', {})]),
    ...model.disks.map((disk) => volumeLiteral(disk, home)),
  ];
  return xmlText(
    domainLiteral({
      type,
      name: choices.name ?? domainName(model.realm, uuid),
      uuid,
      title: model.name.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?').slice(0, 200),
      metadata: xml('vep:machine', { 'xmlns:vep': VEP_NAMESPACE }, modelText(model)),
      memoryBytes: { normal: model.memoryBytes },
      cores: { normal: model.cores },
      architecture: model.architecture ?? 'x64',
      chipset: 'q35',
      ...(model.firmware === undefined ? {} : { firmware: model.firmware }),
      cpu: xml('cpu', { mode: type === 'kvm' ? 'host-passthrough' : 'maximum' }),
      devices: [
        ...bootable(disks),
        diskOf('cdrom', home.machine(uuid, 'seed.iso'), 'raw', 'sdz', [xml('readonly'), target(CD_TARGET)]),
        xml('controller', { type: 'scsi', index: 0, model: 'virtio-scsi' }),
        xml('controller', { type: 'usb', model: 'none' }),
        xml('controller', { type: 'pci', index: 0, model: 'pcie-root' }),
        ...Array.from({ length: SPARE_PORTS + model.nics.length }, (_, index) =>
          xml('controller', { type: 'pci', index: index + 1, model: 'pcie-root-port' }),
        ),
        ...(model.access === undefined ? [] : [accessLiteral(model.access.mac)]),
        ...model.nics.map((nic) => nicLiteral(nic, choices)),
        xml('serial', { type: 'file' }, [
          xml('source', { path: home.machine(uuid, 'console.log'), append: 'on' }),
          xml('target', { port: 0 }),
        ]),
        xml('rng', { model: 'virtio' }, [xml('backend', { model: 'random' }, '/dev/urandom')]),
        xml('memballoon', { model: 'virtio' }, [xml('stats', { period: 5 })]),
      ],
    }),
  );
}

/** What is plugged into a running machine, as `attach-device` takes it. */
export function nicDocument(nic: NicModel, choices: DomainChoices): string {
  return xmlText(nicLiteral(nic, choices));
}

export function volumeDocument(disk: DiskModel, home: Home): string {
  return xmlText(volumeLiteral(disk, home));
}

/** The first disk is the one to boot from. */
function bootable(disks: readonly XmlLiteral[]): readonly XmlLiteral[] {
  return disks.map((disk, index) =>
    index > 0 || typeof disk.content === 'string'
      ? disk
      : { ...disk, content: [...disk.content, xml('boot', { order: 1 })] },
  );
}

function volumeLiteral(disk: DiskModel, home: Home): XmlLiteral {
  return diskLiteral(home.disk(disk.volume, disk), disk.device, { ...disk, alias: aliasOf(disk) });
}

/**
 * Disks are SCSI: they come and go without a free PCI port and without the guest's consent. The cloud kernels of Debian
 * know no AHCI, so that the CD is too.
 */
function diskLiteral(
  file: string,
  device: string,
  { alias, readOnly, shared }: Pick<DiskModel, 'readOnly' | 'shared'> & { readonly alias?: string },
): XmlLiteral {
  return diskOf('disk', file, formatOf(shared ? { shared } : {}), device, [
    shared ? xml('shareable') : undefined,
    readOnly === true ? xml('readonly') : undefined,
    alias === undefined ? undefined : xml('alias', { name: alias }),
    target(DISK_LETTERS.indexOf(device.slice(2))),
  ]);
}

function diskOf(
  device: 'disk' | 'cdrom',
  file: string,
  format: string,
  dev: string,
  more: readonly (XmlLiteral | undefined)[],
): XmlLiteral {
  return xml('disk', { type: 'file', device }, [
    xml(
      'driver',
      device === 'disk' ? { name: 'qemu', type: format, discard: 'unmap' } : { name: 'qemu', type: format },
    ),
    xml('source', { file }),
    xml('target', { dev, bus: 'scsi' }),
    ...more,
  ]);
}

function target(number: number): XmlLiteral {
  return xml('address', { type: 'drive', controller: 0, bus: 0, target: number, unit: 0 });
}

function accessLiteral(mac: string): XmlLiteral {
  return xml('interface', { type: 'user' }, [
    xml('mac', { address: mac }),
    xml('model', { type: 'virtio' }),
    xml('alias', { name: ACCESS_ALIAS }),
    xml('rom', { enabled: 'no' }),
  ]);
}

/** libvirt wants room in the ranges of user mode, for what QEMU itself is on them; it is nothing that a guest has to know. */
const LONGEST_USER_PREFIX = 27;

function userRange(cidr: string): XmlLiteral {
  const { range, prefix } = parseCidr(cidr);
  const length = Math.min(prefix, LONGEST_USER_PREFIX);
  return xml('ip', { family: 'ipv4', address: textOf(blockOf(range.first, length).first), prefix: length });
}

function nicLiteral(nic: NicModel, { bridge, cidrOf }: DomainChoices): XmlLiteral {
  const more = [xml('model', { type: 'virtio' }), xml('alias', { name: aliasOf(nic) }), xml('rom', { enabled: 'no' })];
  const mac = xml('mac', { address: nic.mac });
  if (bridge !== undefined) return xml('interface', { type: 'bridge' }, [mac, xml('source', { bridge }), ...more]);
  return xml('interface', { type: 'user' }, [mac, userRange(cidrOf(nic.network)), ...more]);
}
