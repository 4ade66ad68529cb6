/**
 * A disk that holds nothing, as an image: QEMU's copy-on-write format, version 2 (qemu `docs/interop/qcow2.txt`), with a header,
 * the count of its own clusters, and a first table that leads nowhere.
 */

const CLUSTER_BITS = 16;
const CLUSTER = 1 << CLUSTER_BITS;
/** What one entry of the first table spans: a cluster of 8-byte entries, each a cluster. */
const SPAN = (CLUSTER / 8) * CLUSTER;

/** The image of an empty disk of so many bytes: four clusters, and one more for each 4 TiB. */
export function emptyDisk(virtualSizeBytes: number): Uint8Array {
  const entries = Math.max(1, Math.ceil(virtualSizeBytes / SPAN));
  const tableClusters = Math.ceil((entries * 8) / CLUSTER);
  const [countsTable, counts, firstTable] = [CLUSTER, 2 * CLUSTER, 3 * CLUSTER];
  const image = Buffer.alloc(firstTable + tableClusters * CLUSTER);
  image.write('QFI\u00fb', 'latin1');
  image.writeUInt32BE(2, 4);
  image.writeUInt32BE(CLUSTER_BITS, 20);
  image.writeBigUInt64BE(BigInt(virtualSizeBytes), 24);
  image.writeUInt32BE(entries, 36);
  image.writeBigUInt64BE(BigInt(firstTable), 40);
  image.writeBigUInt64BE(BigInt(countsTable), 48);
  image.writeUInt32BE(1, 56);
  image.writeBigUInt64BE(BigInt(counts), countsTable);
  for (let cluster = 0; cluster < 3 + tableClusters; cluster += 1) image.writeUInt16BE(1, counts + 2 * cluster);
  return image;
}
