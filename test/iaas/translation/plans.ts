/** Two plans to translate: an ordinary one, and one with what descriptors have that is out of the ordinary. */

import type { PlannedMachine } from '../../../src/ovf/plan.js';
import { planOf, startupStep } from '../../ovf-deployment/plan.js';

const GIB = 2 ** 30;
const WEB: PlannedMachine = {
  id: 'web/1',
  title: 'Web "front"',
  hostname: 'web-1',
  collection: 'shop',
  cores: { normal: 2, max: 4 },
  memoryBytes: { normal: 1.5 * GIB + 1 },
  architecture: 'x64',
  firmware: 'efi',
  drives: [
    { kind: 'disk', disk: 'root', bus: 'scsi', boot: true },
    { kind: 'disk', disk: 'blank', bus: 'ide', boot: false },
    { kind: 'cdrom', image: 'tools', boot: false },
    { kind: 'cdrom', boot: false },
  ],
  interfaces: [
    { id: '7', name: 'eth0', network: 'front net', mac: '52:54:00:00:00:01', model: 'E1000' },
    { id: '8', name: 'eth1' },
  ],
  environment: {
    transports: ['iso'],
    properties: [
      { key: 'title', value: 'Corner $shop', secret: false, from: 'own' },
      { key: 'password', secret: true, from: 'own' },
    ],
  },
  instances: { normal: 2, min: 1, max: 5 },
};
export const PLAN = planOf(
  [WEB, { id: 'db', collection: 'shop', interfaces: [{ id: '1', name: 'eth0', network: 'back' }] }],
  {
    title: 'Shop',
    id: 'shop',
    networks: [
      { name: 'front net', description: 'to the street' },
      { name: 'back', mappedTo: 'site-lan' },
    ],
    disks: [
      { id: 'root', capacityBytes: 10 * GIB + 1, image: 'base', format: 'vmdk', shared: false },
      { id: 'blank', capacityBytes: GIB, shared: false },
    ],
    images: [
      { id: 'base', href: 'images/base.vmdk', compression: 'identity' },
      { id: 'tools', href: 'tools.iso', compression: 'identity', sizeBytes: 4096 },
    ],
    startup: [startupStep(0, ['db']), startupStep(1, ['web/1'], { startDelay: 30, waitingForGuest: true })],
    constraints: [{ rule: 'differentHost', machines: ['web/1'], hard: true, origin: 'apart' }],
    collections: [{ id: 'shop', title: 'Shop', properties: [] }],
  },
);

/** What descriptors have that is out of the ordinary. */
export const ODD = planOf(
  [
    {
      id: 'größe <&> 店',
      title: 'Größe <&> "店" 💾',
      hostname: 'gr-e-1',
      firmware: 'efi',
      architecture: 'x86',
      cores: { normal: 3 },
      memoryBytes: { normal: 1 },
      drives: [
        { kind: 'disk', disk: 'quorum ü', bus: 'virtio', boot: true },
        ...Array.from({ length: 6 }, (_, index) => ({
          kind: 'disk' as const,
          disk: `d${index}`,
          bus: 'ide' as const,
          boot: false,
        })),
        { kind: 'disk', disk: 'd6', bus: 'nvme', boot: false },
        { kind: 'disk', disk: 'd7', bus: 'usb', boot: false },
        { kind: 'cdrom', image: 'cd', bus: 'virtio', boot: false },
        { kind: 'floppy', boot: false },
      ],
      interfaces: ['PCNet32', 'VmxNet3', 'Flexible', 'virtio', ''].map((model, index) => ({
        id: `${index}`,
        name: `eth${index}`,
        network: 'lan "ü"',
        ...(model && { model }),
      })),
    },
    { id: 'second', drives: [{ kind: 'disk', disk: 'quorum ü', bus: 'scsi', boot: true }] },
  ],
  {
    title: 'Größe: "a" & <b>',
    id: 'größe 店',
    networks: [{ name: 'lan "ü"', description: 'für\nalle' }],
    disks: [
      { id: 'quorum ü', capacityBytes: 1, shared: true, readOnly: true, image: 'data', format: 'raw' },
      ...Array.from({ length: 8 }, (_, index) => ({ id: `d${index}`, capacityBytes: 2 ** 40 + 1, shared: false })),
    ],
    images: [
      { id: 'cd', href: 'ein ü.iso', compression: 'identity', sizeBytes: 1 },
      { id: 'data', href: 'data.raw', compression: 'identity' },
    ],
  },
);
