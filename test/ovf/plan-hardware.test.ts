/** The hardware of machines in the deployment plan (DSP0243 §8): firmware, sizes, drives, interfaces. */

import { Problem } from '../../src/base/errors.js';
import type { PlanResult } from '../../src/ovf/index.js';
import type { PlannedMachine } from '../../src/ovf/plan.js';
import {
  bootDevices,
  bootOrder,
  collection,
  cpu,
  envelope,
  item,
  machine,
  memory,
  planOf,
  product,
  property,
  readyPlan,
  system,
  verdicts,
} from './plan-support.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

function hardware(
  items: string,
  mode: 'strict' | 'lenient' = 'strict',
  networks: readonly string[] = [],
): PlannedMachine {
  return machine(envelope(system('vm', { items, bare: true }), { networks }), mode);
}

describe('the firmware of a machine', () => {
  const config = (value: string): string =>
    `<v:Config xmlns:v="http://www.vmware.com/schema/ovf" ovf:required="false" v:key="firmware" v:value="${value}"/>`;
  const virtualBox = (type: string): string =>
    `<b:Machine xmlns:b="http://www.virtualbox.org/ovf/machine" ovf:required="false"><Info/><Hardware><Firmware type="${type}"/></Hardware></b:Machine>`;

  it.each([
    ['VMware asks for EFI', { items: config('efi') }, 'efi'],
    ['VMware asks for a BIOS', { items: config('bios') }, undefined],
    ['VirtualBox has EFI', { sections: virtualBox('EFI64') }, 'efi'],
    ['VirtualBox has a BIOS', { sections: virtualBox('BIOS') }, undefined],
    ['nobody says anything', {}, undefined],
  ])('is EFI where it is asked for: %s', (_what, parts, firmware) => {
    expect(planOf(envelope(system('vm', parts))).draft?.machines[0]?.firmware).toBe(firmware);
  });
});

describe('the firmware that VMware asks for', () => {
  it.each([
    ['efi', []],
    ['bios', []],
    ['coreboot', ['error O-009', 'warning D15']],
  ])('is understood and not ignored: %s, also where it is required', (value, said) => {
    const config = (required: string): string =>
      `<vmw:Config ovf:required="${required}" vmw:key="firmware" vmw:value="${value}"/>`;
    const told = (['strict', 'lenient'] as const).flatMap((mode) => {
      const text = envelope(system('vm', { items: config('true') }));
      try {
        return verdicts(planOf(text, {}, mode));
      } catch (error) {
        return (error as Problem).faults.map(({ code }) => `error ${code.replace('ovf.', '')}`);
      }
    });
    expect(told).toEqual(said);
    const notes = planOf(envelope(system('vm', { items: config('false') }))).findings;
    expect(notes.map(({ code }) => code)).toEqual(said.length === 0 ? [] : ['ovf.O-010']);
  });
});

describe('sizes', () => {
  it('are taken with their units', () => {
    expect(hardware(cpu(4, { units: 'hertz * 10^6' }) + memory(3))).toMatchObject({
      cores: { normal: 4 },
      memoryBytes: { normal: 3 * MIB },
    });
    expect(hardware(cpu(1) + memory(2, { units: 'gibibyte' })).memoryBytes).toEqual({ normal: 2 * GIB });
    expect(hardware(cpu(1) + memory(2, { units: 'GigaBytes' }), 'lenient').memoryBytes).toEqual({ normal: 2 * GIB });
  });

  it('O-052 have bounds', () => {
    const bounded = cpu(2) + cpu(1, { attributes: 'ovf:bound="min"' }) + cpu(8, { attributes: 'ovf:bound="max"' });
    expect(hardware(bounded + memory(512)).cores).toEqual({ normal: 2, min: 1, max: 8 });
    const memoryBounds = memory(512) + memory(256, { attributes: 'ovf:bound="min"' });
    expect(hardware(cpu(1) + memoryBounds).memoryBytes).toEqual({ normal: 512 * MIB, min: 256 * MIB });
    const reserved = `<Item ovf:bound="max"><rasd:ElementName>r</rasd:ElementName><rasd:InstanceID>2</rasd:InstanceID><rasd:Reservation>9</rasd:Reservation><rasd:ResourceType>4</rasd:ResourceType></Item>`;
    expect(hardware(cpu(1) + memory(512) + reserved).memoryBytes).toEqual({ normal: 512 * MIB });
  });

  it.each([
    ['in units of their own', 'byte * 2^20', 512, 4096, 'byte * 2^30', 1],
    ['in smaller units, the smaller number being the larger size', 'byte * 2^20', 2, 3, 'byte * 2^10', 2048],
  ])('O-052 have bounds %s', (_, units, low, high, normalUnits, normal) => {
    const bound = (which: string, quantity: number): string =>
      memory(quantity, { units, attributes: `ovf:bound="${which}"` });
    const items = cpu(1) + memory(normal, { units: normalUnits }) + bound('min', low) + bound('max', high);
    for (const mode of ['strict', 'lenient'] as const) {
      expect(hardware(items, mode).memoryBytes).toMatchObject({ min: low * MIB, max: high * MIB });
    }
  });

  it('O-052 have bounds in the units of what they bound, where those name none', () => {
    const bound = (which: string, quantity: number): string =>
      item({ id: 'mem', type: 4, quantity, attributes: `ovf:bound="${which}"` });
    const normal = item({ id: 'mem', type: 4, quantity: 4, units: 'byte * 2^30' });
    for (const mode of ['strict', 'lenient'] as const) {
      expect(hardware(cpu(1) + normal + bound('min', 2) + bound('max', 8), mode).memoryBytes).toEqual({
        normal: 4 * GIB,
        min: 2 * GIB,
        max: 8 * GIB,
      });
    }
    expect(() => hardware(cpu(1) + normal + bound('max', 3))).toThrow(/normal 4294967296 and max 3221225472 bytes/);
  });

  it('O-050 that are missing are assumed small, and shown as assumed', () => {
    const { plan, unresolved } = planOf(envelope(system('vm', { bare: true })), {}, 'lenient');
    expect(plan?.machines[0]).toMatchObject({
      cores: { normal: 1, assumed: true },
      memoryBytes: { normal: GIB, assumed: true },
    });
    expect(unresolved).toMatchObject({
      blocked: false,
      assumedSizes: [
        { machine: 'vm', quantity: 'cores', value: 1 },
        { machine: 'vm', quantity: 'memoryBytes', value: GIB },
      ],
    });
  });

  it('O-050 that are given twice are taken once, ASCETiC’s processor speed not at all', () => {
    const speed = item({ id: '3', type: 3, quantity: 2000, subType: 'cpuspeed' });
    expect(hardware(speed + cpu(2) + memory(512), 'lenient').cores).toEqual({ normal: 2 });
    expect(hardware(cpu(2) + item({ id: '4', type: 3, quantity: 2 }) + memory(512), 'lenient').cores).toEqual({
      normal: 2,
    });
  });

  it('O-035 without a unit are megabytes, leniently', () => {
    expect(hardware(cpu(1) + item({ id: '2', type: 4, quantity: 512 }), 'lenient').memoryBytes).toEqual({
      normal: 512 * MIB,
    });
  });

  it.each([
    ['no cores', cpu(0) + memory(1)],
    ['more cores than any host has', cpu(70_000) + memory(1)],
    ['no memory', cpu(1) + memory(0)],
    ['more memory than a number holds exactly', cpu(1) + memory(16, { units: 'byte * 2^53' })],
    ['a unit that is none', cpu(1) + memory(1, { units: 'octets' })],
    ['a unit of something else', cpu(1) + memory(1, { units: 'hertz' })],
  ])('that are wrong are refused in both modes: %s', (_, items) => {
    for (const mode of ['strict', 'lenient'] as const) {
      let result: unknown;
      try {
        result = planOf(envelope(system('vm', { items, bare: true })), {}, mode).draft;
      } catch (error) {
        expect(error).toBeInstanceOf(Problem);
      }
      expect(result).toBeUndefined();
    }
  });
});

describe('drives', () => {
  const disks = ['a', 'b', 'c', 'd']
    .map((id) => `<Disk ovf:diskId="${id}" ovf:capacity="1" ovf:capacityAllocationUnits="byte * 2^30"/>`)
    .join('');
  const references = '<File ovf:id="cd" ovf:href="install.iso"/><File ovf:id="img" ovf:href="root.vmdk" ovf:size="7"/>';
  const imaged =
    '<Disk ovf:diskId="root" ovf:capacity="2" ovf:capacityAllocationUnits="byte * 2^30" ovf:fileRef="img" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>';
  const disk = (id: string, name: string, parent: string | undefined, slot: number): string =>
    item({ id, type: 17, resource: `ovf:/disk/${name}`, slot, ...(parent && { parent }) });

  it('are ordered by controller and place, the one with an image booting', () => {
    const items =
      item({ id: 'sata', type: 20, subType: 'vmware.sata.ahci', address: '0' }) +
      item({ id: 'scsi1', type: 6, address: '1' }) +
      item({ id: 'scsi0', type: 6, subType: 'lsilogic', address: '0' }) +
      item({ id: 'ide', type: 5, address: '0' }) +
      disk('10', 'a', 'sata', 0) +
      disk('11', 'b', 'scsi0', 10) +
      disk('12', 'c', 'scsi0', 9) +
      disk('13', 'd', 'scsi1', 0) +
      disk('14', 'root', 'sata', 1) +
      item({ id: '15', type: 15, parent: 'ide', resource: 'ovf:/file/cd', slot: 0 }) +
      item({ id: '16', type: 14 });
    const plan = readyPlan(envelope(system('vm', { items }), { references, disks: disks + imaged }));
    expect(plan.machines[0]?.drives).toEqual([
      { kind: 'disk', disk: 'root', bus: 'sata', boot: true },
      { kind: 'disk', disk: 'c', bus: 'scsi', boot: false },
      { kind: 'disk', disk: 'b', bus: 'scsi', boot: false },
      { kind: 'disk', disk: 'd', bus: 'scsi', boot: false },
      { kind: 'disk', disk: 'a', bus: 'sata', boot: false },
      { kind: 'cdrom', image: 'cd', bus: 'ide', boot: false },
      { kind: 'floppy', boot: false },
    ]);
    expect(plan.images).toEqual([
      { id: 'cd', href: 'install.iso', compression: 'identity' },
      { id: 'img', href: 'root.vmdk', compression: 'identity', sizeBytes: 7 },
    ]);
    expect(plan.disks[0]).toEqual({
      id: 'root',
      capacityBytes: 2 * GIB,
      image: 'img',
      format: 'vmdk',
      formatUri: expect.stringContaining('streamOptimized'),
      shared: false,
    });
  });

  describe('in an order that the descriptor gives', () => {
    const items =
      disk('10', 'root', undefined, 0) +
      disk('11', 'a', undefined, 1) +
      item({ id: '12', type: 15, resource: 'ovf:/file/cd' }) +
      item({ id: '13', type: 10, connection: 'net' }) +
      item({ id: '14', type: 15 });
    const planned = (sections: string): PlanResult =>
      planOf(
        envelope(system('vm', { items, sections }), { references, disks: disks + imaged, networks: ['net'] }),
        {},
        'lenient',
      );
    const order = ({ plan }: PlanResult): readonly unknown[] =>
      plan?.machines[0]?.drives.map(({ kind, disk: id, image, boot, turn }) => [id ?? image ?? kind, boot, turn]) ?? [];
    const codes = (result: PlanResult): readonly string[] => verdicts(result).filter((code) => !code.includes('D05'));

    it.each([
      ['a BootDeviceSection', bootDevices('12', '10')],
      ['BootOrderSections of VMware', bootOrder('12', '10')],
    ])('are tried in that of %s', (_, sections) => {
      const result = planned(sections);
      expect(order(result)).toEqual([
        ['cd', true, 1],
        ['root', false, 2],
        ['a', false, undefined],
        ['cdrom', false, undefined],
      ]);
      expect(codes(result)).toEqual([]);
    });

    it('boot from the first that has something on it', () => {
      expect(order(planned(bootDevices('14', '11', '10')))).toEqual([
        ['root', true, 3],
        ['cdrom', false, 1],
        ['a', false, 2],
        ['cd', false, undefined],
      ]);
      expect(order(planned(bootOrder('11')))).toEqual([
        ['root', true, undefined],
        ['a', false, 1],
        ['cd', false, undefined],
        ['cdrom', false, undefined],
      ]);
    });

    it('pass over what is no drive, and say so', () => {
      expect(codes(planned(bootOrder('13', '10')))).toEqual(['warning O-084']);
      expect(codes(planned(bootOrder('10', '13')))).toEqual([]);
      const unknown = planned(bootDevices('99', '12'));
      expect(codes(unknown)).toEqual(['warning O-048']);
      expect(order(unknown)[0]).toEqual(['cd', true, 1]);
    });

    it('take the first of several orders, and say so', () => {
      const result = planned(bootDevices('12') + bootDevices('10'));
      expect(order(result)[0]).toEqual(['cd', true, 1]);
      expect(codes(result)).toEqual(['warning O-084']);
    });

    it('are understood strictly too, where they are no mere hint', () => {
      const sections = bootOrder('12').replace('ovf:required="false"', '');
      const text = envelope(system('vm', { items, sections }), {
        references,
        disks: disks + imaged,
        networks: ['net'],
      });
      expect(verdicts(planOf(text)).filter((code) => code.endsWith('O-009'))).toEqual([]);
    });
  });

  it('boot from the CD when the disks are blank, from the first disk when there is no CD either', () => {
    const withCd = disk('10', 'a', undefined, 0) + item({ id: '11', type: 15, resource: 'ovf:/file/cd' });
    const plan = readyPlan(envelope(system('vm', { items: withCd }), { references, disks }));
    expect(plan.machines[0]?.drives.map(({ kind, boot }) => [kind, boot])).toEqual([
      ['cdrom', true],
      ['disk', false],
    ]);
    const blank = readyPlan(
      envelope(system('vm', { items: disk('10', 'a', undefined, 0) + item({ id: '11', type: 15 }) }), { disks }),
    );
    expect(blank.machines[0]?.drives.map(({ kind, boot }) => [kind, boot])).toEqual([
      ['disk', true],
      ['cdrom', false],
    ]);
  });

  it.each([
    ['virtio', item({ id: 'c', type: 6, subType: 'virtio' }), 'virtio'],
    ['nvme', item({ id: 'c', type: 20, subType: 'vmware.nvme.controller' }), 'nvme'],
    ['usb', item({ id: 'c', type: 23 }), 'usb'],
  ])('know the bus %s', (_, controller, bus) => {
    const text = envelope(system('vm', { items: controller + disk('10', 'a', 'c', 0) }), { disks });
    expect(machine(text).drives[0]?.bus).toBe(bus);
  });

  it('only count the disks that machines use, with what these are deltas of', () => {
    const delta = `<Disk ovf:diskId="delta" ovf:capacity="1" ovf:parentRef="root" ovf:fileRef="cd" ovf:format="raw"/>`;
    const text = envelope(system('vm', { items: disk('10', 'delta', undefined, 0) }), {
      references,
      disks: disks + imaged + delta,
    });
    const plan = readyPlan(text, {}, 'lenient');
    expect(plan.disks.map(({ id, parent, format }) => [id, parent, format])).toEqual([
      ['delta', 'root', 'raw'],
      ['root', undefined, 'vmdk'],
    ]);
  });

  it('copy the parent of a delta that has no file of its own, as large as the delta says', () => {
    const delta = (id: string, parent: string): string =>
      `<Disk ovf:diskId="${id}" ovf:capacity="20" ovf:capacityAllocationUnits="byte * 2^30" ovf:parentRef="${parent}"/>`;
    const text = envelope(system('vm', { items: disk('10', 'second', undefined, 0) }), {
      references,
      disks: disks + imaged + delta('first', 'root') + delta('second', 'first'),
    });
    const { disks: planned } = readyPlan(text, {}, 'lenient');
    expect(planned).toMatchObject([{ id: 'second', format: 'vmdk', capacityBytes: 20 * GIB }]);
    expect(planned[0]).toHaveProperty('image');
    expect(planned[0]).not.toHaveProperty('parent');
  });

  it('D08 leave a capacity that is not given to the image, and only to one', () => {
    const references = '<File ovf:id="f" ovf:href="a.vmdk" ovf:size="3000000000"/>';
    const drive = system('vm', { items: item({ id: '3', type: 17, resource: 'ovf:/disk/d' }) });
    const text = (attributes: string): string =>
      envelope(drive, { references, disks: `<Disk ovf:diskId="d" ovf:format="vmdk" ${attributes}/>` });
    const result = planOf(text('ovf:fileRef="f"'), {}, 'lenient');
    expect(result.plan?.disks).toMatchObject([{ id: 'd', capacityBytes: 3 * GIB, assumed: true }]);
    expect(result.unresolved.assumedSizes).toEqual([{ disk: 'd', quantity: 'capacityBytes', value: 3 * GIB }]);
    expect(verdicts(result)).toEqual(['warning D08']);
    expect(verdicts(planOf(text('ovf:fileRef="f"')))).toContain('error D08');
    expect(verdicts(planOf(text(''), {}, 'lenient'))).toEqual(['error D08']);
  });

  it('O-034 take a capacity from a property in scope', () => {
    const sized = '<Disk ovf:diskId="p" ovf:capacity="${size}" ovf:capacityAllocationUnits="byte * 2^30"/>';
    const content = (own: string, id = 'vm'): string =>
      system(id, { sections: own, items: disk('10', 'p', undefined, 0) });
    const size = (value: string): string =>
      product([property('size', `ovf:type="uint32" ovf:userConfigurable="true" ovf:value="${value}"`)]);
    const text = envelope(collection('top', content(''), size('7')), { disks: sized });
    expect(readyPlan(text).disks).toMatchObject([{ id: 'p', capacityBytes: 7 * GIB }]);
    expect(readyPlan(text, { properties: { size: '9' } }).disks).toMatchObject([{ capacityBytes: 9 * GIB }]);
    expect(verdicts(planOf(text, { properties: { size: '0' } }))).toEqual(['error O-034']);
    const waiting = planOf(envelope(content(size('')), { disks: sized }));
    expect(waiting).toMatchObject({ unresolved: { blocked: true }, findings: [] });
    expect(verdicts(planOf(envelope(content(''), { disks: sized })))).toContain('error O-034');
    const differing = collection('top', content(size('1'), 'x') + content(size('2'), 'y'));
    expect(verdicts(planOf(envelope(differing, { disks: sized }), {}, 'lenient'))).toContain('error O-034');
  });

  it('O-056 without a disk are left out, leniently', () => {
    const text = envelope(system('vm', { items: item({ id: '10', type: 17 }) }));
    expect(machine(text, 'lenient').drives).toEqual([]);
  });

  it('O-056 on some host stay empty', () => {
    const text = envelope(system('vm', { items: item({ id: '10', type: 15, resource: '/dev/cdrom' }) }));
    expect(machine(text, 'lenient').drives).toEqual([{ kind: 'cdrom', boot: false }]);
  });
});

describe('interfaces and networks', () => {
  const nic = (id: string, connection: string | undefined, more = {}): string =>
    item({ id, type: 10, ...(connection !== undefined && { connection }), ...more });

  it('are named in the order of their slots', () => {
    const items =
      nic('5', 'b', { slot: 9, address: '00-1A-2b-3c-4d-5e', subType: 'E1000 virtio' }) + nic('6', 'a', { slot: 8 });
    const plan = readyPlan(envelope(system('vm', { items }), { networks: ['a', 'b', 'spare'] }));
    expect(plan.machines[0]?.interfaces).toEqual([
      { id: '6', name: 'eth0', network: 'a' },
      { id: '5', name: 'eth1', network: 'b', mac: '00:1a:2b:3c:4d:5e', model: 'E1000' },
    ]);
    expect(plan.networks.map(({ name }) => name)).toEqual(['a', 'b', 'spare']);
  });

  it('O-044 may be without a network', () => {
    expect(hardware(cpu(1) + memory(1) + nic('5', undefined), 'lenient').interfaces).toEqual([
      { id: '5', name: 'eth0' },
    ]);
  });

  it('O-043 take the first of several connections', () => {
    const two = nic('5', 'a').replace('</rasd:Connection>', '</rasd:Connection><rasd:Connection>b</rasd:Connection>');
    const result = planOf(envelope(system('vm', { items: two }), { networks: ['a', 'b'] }));
    expect(result.plan?.machines[0]?.interfaces[0]?.network).toBe('a');
    expect(verdicts(result)).toEqual(['warning O-043']);
  });

  it('O-043 are made undeclared only where an adapter of the chosen hardware is on them', () => {
    const kvm = (text: string): string =>
      text.replace(
        '<Info/>',
        '<Info/><System><vssd:ElementName>h</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>kvm</vssd:VirtualSystemType></System>',
      );
    const [first = '', second = ''] = ['a', 'b'].map((name) => system('vm', { items: nic('5', name) }));
    const hardwareOf = (text: string): string =>
      /<VirtualHardwareSection[^]*<\/VirtualHardwareSection>/.exec(text)?.[0] ?? '';
    const both = first.replace('</VirtualSystem>', `${kvm(hardwareOf(second))}</VirtualSystem>`);
    const { draft } = planOf(envelope(both), {}, 'lenient');
    expect(draft?.machines[0]?.interfaces[0]?.network).toBe('b');
    expect(draft?.networks.map(({ name }) => name)).toEqual(['b']);
  });

  it('are new, or mapped by the user to one of the site', () => {
    const text = envelope(system('vm', { items: nic('5', 'a') }), { networks: ['a', 'b'] });
    const { plan, unresolved } = planOf(text, { networks: { a: '/network/7' } });
    expect(plan?.networks).toEqual([{ name: 'a', mappedTo: '/network/7' }, { name: 'b' }]);
    expect(unresolved.networks).toEqual([{ name: 'b' }]);
    expect(planOf(text, { networks: { toString: 'x' } }).findings).toContainEqual(
      expect.objectContaining({ code: 'ovf.O-043', remedy: 'map one of "a", "b"' }),
    );
    expect(planOf(envelope(system('vm')), { networks: { c: 'x' } }).findings[0]?.remedy).toMatch(/no network/);
  });
});
