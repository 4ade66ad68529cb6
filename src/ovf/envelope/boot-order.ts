/**
 * The order in which a system tries its devices at boot: the BootDeviceSection of OVF 2 (a CIM_BootConfigSetting whose
 * CIM_BootSourceSettings name items by InstanceID), or VMware's BootOrderSections, one for each device. VirtualBox's own
 * description of the machine is not asked: it names kinds of devices only.
 */

import type { Element } from '../xml/element.js';
import type { VirtualSystem } from './model.js';
import type { Reading } from './reading.js';
import { BOOT_CONFIG, BOOT_SOURCE, VMW } from './vocabulary.js';

/** Of several BootDeviceSections, which are configurations to choose from, the first counts; the others are told. */
export function readBootOrder(
  reading: Reading,
  system: Element,
  sections: readonly Element[],
): VirtualSystem['bootOrder'] {
  const [section, ...others] = sections;
  for (const other of others)
    reading.findings.warning('O-084', other.at, 'the system has a further order of boot devices; the first one counts');
  if (section !== undefined) return { instanceIds: bootSources(reading, section), at: section.at };
  const ofVMware = system.children.filter(isBootOrderOfVMware);
  const [first] = ofVMware;
  return first && { instanceIds: ofVMware.map((each) => instanceIdOf(each)), at: first.at };
}

/** `<vmw:BootOrderSection vmw:instanceId="8" vmw:type="disk">` */
export function isBootOrderOfVMware({ namespace, name }: Element): boolean {
  return namespace === VMW && name === 'BootOrderSection';
}

function instanceIdOf(section: Element): string {
  return section.attributes.find(({ name }) => name === 'instanceId')?.value.trim() ?? '';
}

function bootSources(reading: Reading, section: Element): readonly string[] {
  const isSetting = ({ namespace, name }: Element): boolean =>
    namespace === BOOT_CONFIG && name === 'CIM_BootConfigSetting';
  const settings = section.children.filter(isSetting);
  for (const child of section.children) {
    if (isSetting(child) || (reading.isOvf(child) && child.name === 'Info')) continue;
    reading.unforeseen(child, section);
  }
  return settings
    .flatMap(({ children }) => children)
    .filter(({ namespace, name }) => namespace === BOOT_SOURCE && name === 'CIM_BootSourceSetting')
    .flatMap(({ children }) => children.filter(({ name }) => name === 'InstanceID'))
    .map(({ text }) => text.trim());
}
