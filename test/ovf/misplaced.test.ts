/** Elements that stand for a thing of the appliance, in a place where no reader would look for them (DSP0243 §7.1, D12). */

import {
  collection,
  CPU,
  descriptor,
  DISK,
  DISKS,
  hardware,
  ITEMS,
  judge,
  MEMORY,
  system,
} from './envelope-support.js';

const PROPERTY = '<Property ovf:key="k" ovf:type="string" ovf:value="v"/>';
const inner = system('inner', hardware(CPU + MEMORY));
const top = (sections: string): string => descriptor({ content: collection('top', sections, inner) });

const MISPLACED: readonly (readonly [what: string, text: string])[] = [
  ['a system in a system', descriptor({ systemSections: inner })],
  ['a collection in a system', descriptor({ systemSections: collection('c', '', inner) })],
  ['an item in a system', descriptor({ systemSections: DISK })],
  ['an item of OVF 2 in a system', descriptor({ systemSections: DISK.replaceAll('Item>', 'ovf2:StorageItem>') })],
  ['an item in a collection', top(DISK)],
  ['an item in an item', descriptor({ items: ITEMS.replace('</Item>', `${DISK}</Item>`) })],
  ['a disk in the envelope', descriptor({ sections: DISKS })],
  ['a shared disk among others', descriptor({ disks: '<DiskSection><Info/><SharedDisk/></DiskSection>' })],
  ['a network in the envelope', descriptor({ sections: '<Network ovf:name="lan"/>' })],
  ['a file in the envelope', descriptor({ sections: '<File ovf:id="f" ovf:href="f"/>' })],
  ['a property in a system', descriptor({ systemSections: PROPERTY })],
];

describe('what stands in the wrong place', () => {
  it.each(MISPLACED)('D12 is refused in both modes where skipping it would lose it: %s', (_, text) => {
    for (const mode of ['strict', 'lenient'] as const) {
      const errors = judge(text, mode).findings.filter(({ severity }) => severity === 'error');
      expect(errors).toContainEqual(
        expect.objectContaining({ code: 'ovf.D12', message: expect.stringContaining('what it describes is lost') }),
      );
    }
  });

  it('D12 is ignored leniently where nothing is lost', () => {
    const text = descriptor({ systemSections: '<Label>a label</Label>' });
    expect(judge(text, 'strict').errors).toContain('ovf.D12');
    expect(judge(text, 'lenient')).toMatchObject({ errors: [], warnings: ['ovf.D12'] });
  });
});
