/**
 * A domain of libvirt (https://libvirt.org/formatdomain.html) but for its devices: what the translation of a plan and the
 * adapter of a libvirt site have in common.
 */

import { xml, type XmlLiteral } from './xml.js';

export interface DomainOutline {
  /** `kvm` only where a probe has shown that guests run under it. */
  readonly type: 'qemu' | 'kvm';
  readonly name: string;
  readonly uuid?: string;
  /** One line for people. */
  readonly title?: string;
  /** What VEP remembers of the machine. */
  readonly metadata: XmlLiteral;
  /** Bytes; a range where a balloon takes the difference. */
  readonly memoryBytes: { readonly normal: number; readonly max?: number };
  readonly cores: { readonly normal: number; readonly max?: number };
  /** How much of the processors it gets beside others, as a weight. */
  readonly weight?: number;
  readonly architecture: 'x86' | 'x64';
  readonly chipset: 'pc' | 'q35';
  readonly firmware?: 'efi';
  readonly cpu?: XmlLiteral;
  readonly devices: readonly XmlLiteral[];
}

/** The namespace of VEP's own elements in libvirt's documents. */
export const VEP_NAMESPACE = 'http://schemas.contrail-project.eu/vep/libvirt/1';

export function domainLiteral(outline: DomainOutline): XmlLiteral {
  const { memoryBytes, cores, title } = outline;
  const memory = Math.max(memoryBytes.normal, memoryBytes.max ?? 0);
  const processors = Math.max(cores.normal, cores.max ?? 0);
  return xml('domain', { type: outline.type }, [
    xml('name', {}, outline.name),
    outline.uuid === undefined ? undefined : xml('uuid', {}, outline.uuid),
    title === undefined || title.includes('\n') || title === '' ? undefined : xml('title', {}, title),
    xml('metadata', {}, [outline.metadata]),
    xml('memory', { unit: 'b' }, String(memory)),
    memory === memoryBytes.normal ? undefined : xml('currentMemory', { unit: 'b' }, String(memoryBytes.normal)),
    xml('vcpu', processors === cores.normal ? {} : { current: cores.normal }, String(processors)),
    // libvirt's shares are relative as OVF's weights are, and 2 is the least of them.
    outline.weight === undefined
      ? undefined
      : xml('cputune', {}, [xml('shares', {}, String(Math.min(262_144, Math.max(2, outline.weight))))]),
    xml('os', { firmware: outline.firmware }, [
      xml('type', { arch: outline.architecture === 'x86' ? 'i686' : 'x86_64', machine: outline.chipset }, 'hvm'),
    ]),
    xml('features', {}, [xml('acpi'), xml('apic')]),
    outline.cpu,
    xml('clock', { offset: 'utc' }),
    xml('on_poweroff', {}, 'destroy'),
    xml('on_reboot', {}, 'restart'),
    xml('on_crash', {}, 'destroy'),
    xml('devices', {}, outline.devices),
  ]);
}
