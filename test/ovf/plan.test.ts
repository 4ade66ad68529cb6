/** The deployment plan (DSP0243 §8, §9): what a descriptor means in a configuration, with the inputs filled in. */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Problem } from '../../src/base/errors.js';
import { buildPlan, NO_INPUTS, parsePlanInputs, readEnvelope, type PlanResult } from '../../src/ovf/index.js';
import type { DeploymentPlan, PlannedMachine } from '../../src/ovf/plan.js';
import {
  collection,
  envelope,
  item,
  planOf,
  product,
  property,
  readyPlan,
  schemas,
  system,
  verdicts,
} from './plan-support.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

function machine(text: string, mode: 'strict' | 'lenient' = 'strict'): PlannedMachine {
  const [first] = readyPlan(text, {}, mode).machines;
  if (!first) throw new Error('no machine');
  return first;
}

function hardware(
  items: string,
  mode: 'strict' | 'lenient' = 'strict',
  networks: readonly string[] = [],
): PlannedMachine {
  return machine(envelope(system('vm', { items, bare: true }), { networks }), mode);
}

const cpu = (quantity: number | string, more = {}): string => item({ id: '1', type: 3, quantity, ...more });
const memory = (quantity: number | string, more = {}): string =>
  item({ id: '2', type: 4, quantity, units: 'byte * 2^20', ...more });

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
    expect(hardware(cpu(2) + item({ id: '4', type: 3, quantity: 9 }) + memory(512), 'lenient').cores).toEqual({
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

describe('configurations', () => {
  const options = `<DeploymentOptionSection><Info/>
    <Configuration ovf:id="small"><Label>S</Label><Description>less</Description></Configuration>
    <Configuration ovf:id="large"><Label>L</Label><Description>more</Description></Configuration></DeploymentOptionSection>`;
  const text = envelope(
    system('vm', {
      bare: true,
      items:
        cpu(1) +
        cpu(4, { attributes: 'ovf:configuration="large"' }) +
        memory(512) +
        memory(1024, { attributes: 'ovf:configuration="small large"' }) +
        memory(4096, { attributes: 'ovf:configuration="large"' }),
    }),
    { sections: options },
  );

  it('replace the general items, the most particular one winning', () => {
    expect(readyPlan(text).machines[0]).toMatchObject({ cores: { normal: 1 }, memoryBytes: { normal: 1024 * MIB } });
    const large = planOf(text, { configuration: 'large' });
    expect(large.plan?.machines[0]).toMatchObject({ cores: { normal: 4 }, memoryBytes: { normal: 4096 * MIB } });
    expect(verdicts(large)).toEqual(['warning O-047']);
  });

  it('are the first one unless there is a default, and are offered', () => {
    const { plan, unresolved } = planOf(text);
    expect(plan?.configuration).toBe('small');
    expect(unresolved.configurations).toEqual([
      { id: 'small', label: 'S', description: 'less', chosen: true },
      { id: 'large', label: 'L', description: 'more', chosen: false },
    ]);
  });

  it('O-058 have to exist', () => {
    expect(planOf(text, { configuration: 'huge' }).findings).toContainEqual(
      expect.objectContaining({ code: 'ovf.O-058', remedy: 'choose one of "small", "large"' }),
    );
    const none = planOf(envelope(system('vm')), { configuration: 'huge' });
    expect(none.plan).toBeUndefined();
    expect(none.findings[0]?.remedy).toMatch(/no choice/);
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
    const bootc = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_BootConfigSetting';
    const boots = 'http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_BootSourceSetting';
    const ofOvf2 = (...ids: readonly string[]): string =>
      `<ovf2:BootDeviceSection ovf2:required="false"><Info/><c:CIM_BootConfigSetting xmlns:c="${bootc}"><c:Caption>Fix</c:Caption>${ids
        .map(
          (id) =>
            `<s:CIM_BootSourceSetting xmlns:s="${boots}"><s:Caption/><s:InstanceID>${id}</s:InstanceID></s:CIM_BootSourceSetting>`,
        )
        .join('')}</c:CIM_BootConfigSetting></ovf2:BootDeviceSection>`;
    const ofVMware = (...ids: readonly string[]): string =>
      ids
        .map(
          (id) =>
            `<vmw:BootOrderSection ovf:required="false" vmw:instanceId="${id}" vmw:type="disk"><Info/></vmw:BootOrderSection>`,
        )
        .join('');
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
      ['a BootDeviceSection', ofOvf2('12', '10')],
      ['BootOrderSections of VMware', ofVMware('12', '10')],
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
      expect(order(planned(ofOvf2('14', '11', '10')))).toEqual([
        ['root', true, 3],
        ['cdrom', false, 1],
        ['a', false, 2],
        ['cd', false, undefined],
      ]);
      expect(order(planned(ofVMware('11')))).toEqual([
        ['root', true, undefined],
        ['a', false, 1],
        ['cd', false, undefined],
        ['cdrom', false, undefined],
      ]);
    });

    it('pass over what is no drive, and say so', () => {
      expect(codes(planned(ofVMware('13', '10')))).toEqual(['warning O-084']);
      expect(codes(planned(ofVMware('10', '13')))).toEqual([]);
      const unknown = planned(ofOvf2('99', '12'));
      expect(codes(unknown)).toEqual(['warning O-048']);
      expect(order(unknown)[0]).toEqual(['cd', true, 1]);
    });

    it('take the first of several orders, and say so', () => {
      const result = planned(ofOvf2('12') + ofOvf2('10'));
      expect(order(result)[0]).toEqual(['cd', true, 1]);
      expect(codes(result)).toEqual(['warning O-084']);
    });

    it('are understood strictly too, where they are no mere hint', () => {
      const sections = ofVMware('12').replace('ovf:required="false"', '');
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
    expect(() => planOf(text('ovf:fileRef="f"'))).toThrow(/ovf:capacity/);
    expect(() => planOf(text(''), {}, 'lenient')).toThrow(/ovf:capacity/);
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

describe('machines', () => {
  it('have host names that are labels, each once', () => {
    const ids = ['Web Server!', 'web-server', 'web.server', '---', 'x'.repeat(80), `${'x'.repeat(80)}y`];
    const plan = readyPlan(envelope(collection('all', ids.map((id) => system(id)).join(''))));
    expect(plan.machines.map(({ hostname }) => hostname)).toEqual([
      'web-server',
      'web-server-2',
      'web-server-3',
      'machine',
      'x'.repeat(63),
      `${'x'.repeat(61)}-2`,
    ]);
  });

  it('know their operating system and architecture', () => {
    const os = (id: number, more = ''): PlannedMachine =>
      machine(
        envelope(
          system('vm', {
            sections: `<OperatingSystemSection ovf:id="${id}" ${more}><Info/><Description>it</Description></OperatingSystemSection>`,
          }),
        ),
      );
    expect(os(94, 'ovf:version="22.04"')).toMatchObject({
      architecture: 'x64',
      operatingSystem: { id: 94, description: 'it', version: '22.04' },
    });
    expect(os(106).architecture).toBe('x86');
    expect(os(36).architecture).toBeUndefined();
    expect(os(1, 'vmw:osType="ubuntu64Guest"').architecture).toBe('x64');
  });

  it('take the first hardware of a supported type', () => {
    const section = (type: string, cores: number): string =>
      `<VirtualHardwareSection><Info/><System><vssd:ElementName>x</vssd:ElementName><vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>${type}</vssd:VirtualSystemType></System>${cpu(cores)}${memory(1)}</VirtualHardwareSection>`;
    const vm = (sections: string): string => envelope(`<VirtualSystem ovf:id="vm"><Info/>${sections}</VirtualSystem>`);
    expect(machine(vm(section('zvm', 1) + section('foo vmx-07 xen-3', 2)))).toMatchObject({
      cores: { normal: 2 },
      virtualSystemType: 'vmx-07',
    });
    expect(machine(vm(section('zvm', 1)), 'lenient').virtualSystemType).toBe('zvm');
  });

  it('are installed at their first start', () => {
    const text = envelope(
      system('vm', { sections: '<InstallSection ovf:initialBootStopDelay="300"><Info/></InstallSection>' }),
    );
    expect(machine(text).install).toEqual({ bootStopDelay: 300 });
  });

  it('O-084 say which devices are left to the site', () => {
    const { findings } = planOf(envelope(system('vm', { items: item({ id: '9', type: 24 }) })));
    expect(findings).toMatchObject([{ code: 'ovf.O-084', severity: 'info', value: 'ResourceType 24' }]);
  });

  it('O-065 need a transport for their properties', () => {
    const vm = (transport: string): string => envelope(system('vm', { transport, sections: product([property('a')]) }));
    expect(verdicts(planOf(vm('com.vmware.guestInfo iso')))).toEqual([]);
    expect(verdicts(planOf(vm('')))).toEqual(['warning O-065']);
    expect(verdicts(planOf(vm('http://example.org/pigeon')))).toEqual(['error O-065']);
    expect(verdicts(planOf(vm('http://example.org/pigeon'), {}, 'lenient'))).toEqual(['warning O-065']);
  });

  it('may be several instances (OVF 2)', () => {
    const scale = (counts: string): string =>
      envelope(
        system('vm', {
          sections: `<ovf2:ScaleOutSection ovf2:id="vm" ovf:required="false"><Info/>${counts}</ovf2:ScaleOutSection>`,
        }),
      );
    const count = '<ovf2:InstanceCount ovf2:default="2" ovf2:minimum="1" ovf2:maximum="5"/>';
    expect(machine(scale(count), 'lenient').instances).toEqual({ normal: 2, min: 1, max: 5 });
  });
});

describe('placement groups (OVF 2)', () => {
  it('become constraints', () => {
    const member = '<ovf2:PlacementSection ovf2:group="g" ovf:required="false"><Info/></ovf2:PlacementSection>';
    const text = envelope(collection('all', collection('tier', system('a') + system('b'), member) + system('c')), {
      sections:
        '<ovf2:PlacementGroupSection ovf2:id="g" ovf2:policy="availability odd" ovf:required="false"><Info/></ovf2:PlacementGroupSection>',
    });
    const result = planOf(text, {}, 'lenient');
    expect(result.plan?.constraints).toEqual([
      { rule: 'differentHost', hard: true, machines: ['a', 'b'], origin: 'PlacementGroupSection g' },
    ]);
    expect(verdicts(result)).toContain('warning O-084');
  });
});

describe('start-up', () => {
  const order = (items: string): string => `<StartupSection><Info/>${items}</StartupSection>`;
  const entry = (id: string, at: number, more = ''): string => `<Item ovf:id="${id}" ovf:order="${at}" ${more}/>`;
  const steps = ({ startup }: DeploymentPlan): readonly (readonly string[])[] =>
    startup.map(({ machines }) => machines.map(({ id }) => id));

  it('O-071 goes by order; what is not listed comes first', () => {
    const sections = order(entry('a', 2) + entry('b', 1) + entry('c', 2));
    const plan = readyPlan(
      envelope(collection('all', ['a', 'b', 'c', 'd'].map((id) => system(id)).join(''), sections)),
    );
    expect(steps(plan)).toEqual([['d'], ['b'], ['a', 'c']]);
    expect(plan.startup.map((step) => step.order)).toEqual([0, 1, 2]);
  });

  it('O-071 ends a collection’s own sequence before what follows it', () => {
    const inner = collection(
      'in',
      system('x') + system('y'),
      order(entry('x', 1, 'ovf:startDelay="3"') + entry('y', 2, 'ovf:startDelay="4" ovf:stopDelay="1"')),
    );
    const sections = order(
      entry('a', 1) +
        entry('in', 1, 'ovf:startDelay="10" ovf:stopDelay="20" ovf:waitingForGuest="true"') +
        entry('z', 2),
    );
    const plan = readyPlan(envelope(collection('all', system('a') + inner + system('z'), sections)));
    expect(steps(plan)).toEqual([['a', 'x'], ['y'], ['z']]);
    expect(plan.startup[0]?.machines[1]).toMatchObject({ startDelay: 3, stopDelay: 20, waitingForGuest: false });
    expect(plan.startup[1]?.machines[0]).toMatchObject({ startDelay: 14, stopDelay: 1, waitingForGuest: true });
  });

  it('leaves a collection alone that shall not start', () => {
    const inner = collection('in', system('x'));
    const sections = order(entry('in', 1, 'ovf:startAction="none" ovf:stopAction="none"'));
    const plan = readyPlan(envelope(collection('all', inner, sections)));
    expect(plan.startup[0]?.machines[0]).toMatchObject({ startAction: 'none', stopAction: 'none' });
  });

  it('of any nesting starts every machine once, in the order its collection says', () => {
    interface Tree {
      readonly order: number;
      readonly children: readonly Tree[];
    }
    const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
      tree: fc.record({
        order: fc.nat(3),
        children: fc.oneof(
          { maxDepth: 3, depthSize: 'small' },
          fc.constant([]),
          fc.array(tie('tree'), { minLength: 1, maxLength: 3 }),
        ),
      }),
    }));
    const write = ({ children }: Tree, id: string): string =>
      children.length === 0
        ? system(id)
        : collection(
            id,
            children.map((child, index) => write(child, `${id}-${index}`)).join(''),
            order(children.map((child, index) => entry(`${id}-${index}`, child.order)).join('')),
          );
    fc.assert(
      fc.property(tree, (root) => {
        const plan = readyPlan(envelope(write(root, 'm')));
        const at = new Map(plan.startup.flatMap((step) => step.machines.map(({ id }) => [id, step.order] as const)));
        expect([...at.keys()].sort()).toEqual(plan.machines.map(({ id }) => id).sort());
        const inside = (id: string): readonly number[] =>
          [...at].filter(([name]) => name === id || name.startsWith(`${id}-`)).map(([, step]) => step);
        const check = ({ children }: Tree, id: string): void =>
          children.forEach((child, index) => {
            for (const [other, sibling] of children.entries()) {
              if (sibling.order <= child.order) continue;
              expect(Math.min(...inside(`${id}-${other}`))).toBeGreaterThan(Math.max(...inside(`${id}-${index}`)));
            }
            check(child, `${id}-${index}`);
          });
        check(root, 'm');
      }),
      { numRuns: 40 },
    );
  });
});

describe('licences', () => {
  const eula = (text: string): string => `<EulaSection><Info/><License>${text}</License></EulaSection>`;
  const text = envelope(
    collection('all', system('vm', { sections: eula('Be good.') }), eula('Pay.') + eula('Pay again.')),
  );
  const digest = `sha256:${createHash('sha256').update('Be good.').digest('hex')}`;

  it('O-072 block until each one is accepted', () => {
    const { plan, draft, unresolved } = planOf(text);
    expect(plan).toBeUndefined();
    expect(draft).toBeDefined();
    expect(unresolved.blocked).toBe(true);
    expect(unresolved.eulas).toMatchObject([
      { id: 'all#1', content: 'all', text: 'Pay.' },
      { id: 'all#2', text: 'Pay again.' },
      { id: 'vm#1', content: 'vm', text: 'Be good.', digest },
    ]);
  });

  it('O-072 are accepted by id, by digest, or all at once', () => {
    expect(planOf(text, { eulas: ['all#1', digest] }).unresolved.eulas.map(({ id }) => id)).toEqual(['all#2']);
    expect(planOf(text, { eulas: ['all#1', 'all#2', digest] }).plan).toBeDefined();
    expect(planOf(text, { eulas: 'all' }).plan).toBeDefined();
  });
});

describe('the whole', () => {
  it('has title and annotation', () => {
    const sections =
      '<Name>My shop</Name><AnnotationSection><Info/><Annotation>Sells things</Annotation></AnnotationSection>';
    expect(readyPlan(envelope(collection('shop', system('vm'), sections)))).toMatchObject({
      version: 1,
      id: 'shop',
      title: 'My shop',
      annotation: 'Sells things',
      conformanceLevel: 1,
    });
  });

  it('tells what reader and planner both found only once', () => {
    const text = envelope(system('vm', { bare: true, items: cpu(1) + item({ id: '2', type: 4, quantity: 512 }) }));
    expect(verdicts(planOf(text, {}, 'lenient')).filter((verdict) => verdict.endsWith('O-035'))).toHaveLength(1);
  });

  it('takes 1,000 machines', () => {
    const own = product([property('k', 'ovf:value="${shared}"')]);
    const systems = Array.from({ length: 1000 }, (_, index) => system(`m${index}`, { sections: own }));
    const text = envelope(collection('all', systems.join(''), product([property('shared', 'ovf:value="1"')])));
    const { envelope: read } = readEnvelope(Buffer.from(text), { mode: 'strict', schemas });
    expect(buildPlan(read, NO_INPUTS).plan?.machines).toHaveLength(1000);
  });

  it('bounds the number of findings', () => {
    const inputs = Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`k${index}`, '']));
    const { findings, plan } = planOf(envelope(system('vm')), { properties: inputs });
    expect(findings).toHaveLength(1000);
    expect(plan).toBeUndefined();
  });
});

describe('the JSON of the inputs (K04)', () => {
  it('is read member by member, numbers and booleans as their text', () => {
    expect(
      parsePlanInputs({
        configuration: 'large',
        properties: { a: 'x', b: 5, c: true, d: 0.5 },
        networks: { lan: 'public' },
        eulas: ['vm#1'],
        sites: { vm: 'garching,leiden' },
        credentials: { 'repo.example.org': 'token' },
      }),
    ).toEqual({
      configuration: 'large',
      properties: { a: 'x', b: '5', c: 'true', d: '0.5' },
      networks: { lan: 'public' },
      eulas: ['vm#1'],
      sites: { vm: 'garching,leiden' },
      credentials: { 'repo.example.org': 'token' },
    });
    expect(parsePlanInputs({})).toEqual({ properties: {}, networks: {}, eulas: [], sites: {}, credentials: {} });
    expect(parsePlanInputs({ eulas: 'all' }).eulas).toBe('all');
  });

  it('keeps a member called __proto__ an ordinary one', () => {
    const inputs = parsePlanInputs(JSON.parse('{"properties":{"__proto__":"x"}}') as Record<string, never>);
    expect(Object.keys(inputs.properties)).toEqual(['__proto__']);
  });

  it('gives all faults at once, at their pointers, without the values', () => {
    const parse = (): unknown =>
      parsePlanInputs({
        configuration: 7,
        properties: { 'a/b': ['hunter2'], n: 2 ** 60, z: null },
        networks: 'lan',
        eulas: [1],
        credentials: { x: 'y'.repeat(70_000) },
        sekret: 'hunter2',
      });
    expect(parse).toThrow(Problem);
    try {
      parse();
    } catch (error) {
      const { faults } = error as Problem;
      expect(faults.map(({ place }) => place?.path)).toEqual([
        '/sekret',
        '/configuration',
        '/properties/a~1b',
        '/properties/n',
        '/properties/z',
        '/networks',
        '/eulas/0',
        '/credentials/x',
      ]);
      expect(JSON.stringify(faults)).not.toContain('hunter2');
    }
  });

  it.each([
    [[]],
    ['text'],
    [null],
    [{ eulas: 'some' }],
    [{ properties: Object.fromEntries(Array.from({ length: 6000 }, (_, i) => [i, ''])) }],
  ])('refuses %j', (json) => {
    expect(() => parsePlanInputs(json)).toThrow(Problem);
  });
});

describe('InstallSection', () => {
  it('§9.8 is part of the plan, with the time the first boot may take', () => {
    const sections = '<InstallSection ovf:initialBootStopDelay="300"><Info/></InstallSection>';
    const { plan } = planOf(envelope(system('vm', { sections })));
    expect(plan?.machines[0]?.install).toEqual({ bootStopDelay: 300 });
  });
});

describe('files for the guest (OVF 2 EnvironmentFilesSection)', () => {
  const files = (...paths: readonly string[]): string =>
    `<ovf2:EnvironmentFilesSection ovf:required="false"><Info/>${paths
      .map((path) => `<ovf2:File ovf2:fileRef="f" ovf2:path="${path}"/>`)
      .join('')}</ovf2:EnvironmentFilesSection>`;
  const references = '<File ovf:id="f" ovf:href="x"/><File ovf:id="other" ovf:href="y"/>';
  const planned = (sections: string, outer = ''): PlanResult =>
    planOf(envelope(collection('c', system('vm', { sections }), outer), { references }), {}, 'lenient');

  it('are those of the system and its collection, under relative paths', () => {
    const { plan, findings } = planned(files('/etc/x', 'own'), files('ETC/X', 'all'));
    expect(plan?.machines[0]?.environment.files?.map(({ path }) => path)).toEqual(['etc/x', 'all', 'own']);
    expect(plan?.files).toMatchObject([{ id: 'f', href: 'x' }]);
    expect(plan?.images).toEqual([]);
    expect(findings.map(({ code, severity }) => `${severity} ${code}`)).toContain('warning ovf.O-015');
    expect(planOf(envelope(system('vm'))).plan).not.toHaveProperty('files');
  });

  it.each([
    ['O-015', files('a/../../b'), ''],
    ['O-015', files('a'.repeat(70)), ''],
    ['O-012', files('a', 'A'), ''],
    ['O-012', files('a/b'), files('A')],
    [
      'O-078',
      files(...Array.from({ length: 200 }, (_, index) => `own${index}`)),
      files(...Array.from({ length: 200 }, (_, index) => `all${index}`)),
    ],
  ])('%s refuse what no disc can hold', (rule, sections, outer) => {
    let found: readonly { readonly rule?: string }[];
    try {
      found = planned(sections, outer).findings;
    } catch (error) {
      found = (error as Problem).faults;
    }
    expect(found.map((fault) => fault.rule?.slice(0, 5))).toContain(rule);
  });
});
