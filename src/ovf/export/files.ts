/** The files of a plan and the disks that are made from them (DSP0243 §7.1, §9.1), every reference a URI. */

import type { Element } from '@xmldom/xmldom';
import { uriReference } from '../envelope/href.js';
import type { DiskFormat, PlannedDisk, PlannedImage } from '../plan.js';
import type { OvfDocument } from './xml.js';

export function fileElement(
  document: OvfDocument,
  { id, href, sizeBytes, compression, chunkSize }: PlannedImage,
): Element {
  return document.element('File', {
    id,
    href: uriReference(href),
    size: sizeBytes,
    compression: compression === 'identity' ? undefined : compression,
    chunkSize,
  });
}

/** @param name `Disk`, or `ovf2:SharedDisk` */
export function diskElement(
  document: OvfDocument,
  name: string,
  { id, capacityBytes, image, format = 'unknown', formatUri, parent, readOnly }: PlannedDisk,
): Element {
  const written = formatUri === undefined ? FORMAT_URIS[format] : uriReference(formatUri);
  return document.element(name, {
    diskId: id,
    capacity: capacityBytes,
    capacityAllocationUnits: 'byte',
    fileRef: image,
    format: image === undefined && formatUri === undefined ? undefined : written,
    parentRef: parent,
    readOnly,
  });
}

const FORMAT_URIS: Readonly<Record<DiskFormat, string>> = {
  vmdk: 'http://www.vmware.com/interfaces/specifications/vmdk.html',
  qcow2: 'http://www.gnome.org/~markmc/qcow-image-format.html',
  iso: 'http://www.ecma-international.org/publications/files/ECMA-ST/Ecma-119.pdf',
  vhd: 'http://www.microsoft.com/technet/virtualserver/downloads/vhdspec.mspx',
  raw: 'raw',
  // Nobody has said: whoever reads this looks into the image.
  unknown: 'unknown',
};
