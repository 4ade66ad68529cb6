/**
 * Writes the empty qcow2 image that the examples boot from: version 3, 4 KiB clusters, virtual size 2 GiB, nothing
 * allocated (QEMU docs/interop/qcow2.txt). A package may only refer to files beside its descriptor, so each example gets
 * its copy. Run: `node examples/images/make-base.mjs`
 */

import { mkdirSync, writeFileSync } from 'node:fs';

const CLUSTER_BITS = 12;
const CLUSTER = 2 ** CLUSTER_BITS;
const VIRTUAL_SIZE = 2 ** 31;

/** Each entry of the L1 table stands for one L2 table of 8-byte entries. */
const L1_ENTRIES = VIRTUAL_SIZE / (CLUSTER * (CLUSTER / 8));
const L1_CLUSTERS = Math.ceil((L1_ENTRIES * 8) / CLUSTER);

const layout = { refcountTable: 1, refcountBlock: 2, l1Table: 3, end: 3 + L1_CLUSTERS };

function makeImage() {
  const image = Buffer.alloc(layout.end * CLUSTER);
  image.write('QFI\xfb', 0, 'latin1');
  image.writeUInt32BE(3, 4); // version
  image.writeUInt32BE(CLUSTER_BITS, 20);
  image.writeBigUInt64BE(BigInt(VIRTUAL_SIZE), 24);
  image.writeUInt32BE(L1_ENTRIES, 36);
  image.writeBigUInt64BE(BigInt(layout.l1Table * CLUSTER), 40);
  image.writeBigUInt64BE(BigInt(layout.refcountTable * CLUSTER), 48);
  image.writeUInt32BE(1, 56); // clusters of the refcount table
  image.writeUInt32BE(4, 96); // 2^4 bits in a refcount
  image.writeUInt32BE(104, 100); // length of the header
  image.writeBigUInt64BE(BigInt(layout.refcountBlock * CLUSTER), layout.refcountTable * CLUSTER);
  for (let cluster = 0; cluster < layout.end; cluster += 1) {
    image.writeUInt16BE(1, layout.refcountBlock * CLUSTER + 2 * cluster);
  }
  return image;
}

for (const example of ['single-vm', 'web-shop', 'options']) {
  const folder = new URL(`../${example}/images/`, import.meta.url);
  mkdirSync(folder, { recursive: true });
  writeFileSync(new URL('base.qcow2', folder), makeImage());
}
