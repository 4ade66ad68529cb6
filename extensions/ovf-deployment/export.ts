/**
 * An appliance on its way out (`GET` with `Accept: application/ovf+xml` or `application/x-tar`):
 * its plan as it stands, as a descriptor, or as an OVA with manifest and images, streamed. It can be deployed again; what
 * was secret has to be filled in again (K04).
 */

import { createHash } from 'node:crypto';
import { problem } from '../../src/base/errors.js';
import { shownUrl } from '../../src/base/shown-url.js';
import type { Rendering } from '../../src/extension/extension.js';
import { isUrl, safeHref } from '../../src/ovf/envelope/href.js';
import { exportEnvelope } from '../../src/ovf/export/envelope.js';
import { readEnvelope, type OvfSchemas } from '../../src/ovf/index.js';
import { foldReplicas } from '../../src/ovf/instances.js';
import { TAR_END, tarHeader, tarPadding } from '../../src/ovf/package/tar-header.js';
import type { Store } from '../../src/store/sql.js';
import type { BlobStore } from '../../src/transfer/blob-store.js';
import { withCompanions } from './companions.js';
import { openAppliance } from './opened-appliance.js';
import { outgoingPackage, type PackageMember } from './outgoing-package.js';
import { loadAppliance, type ApplianceRow } from './tables.js';
import { APPLIANCE, DESCRIPTOR_TYPES, PACKAGE_TYPES } from './vocabulary.js';

export interface ExportServices {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly schemas: OvfSchemas;
  /** Opens secrets (K26). */
  readonly secretKey: Uint8Array;
}

/** The descriptor as it came, with the files that came along; what it says to people goes out again. */
async function originalOf(services: ExportServices, row: ApplianceRow): ReturnType<typeof withCompanions> {
  const { blobs, schemas } = services;
  const { descriptor } = (await openAppliance(services, row.appliance))?.row ?? row;
  const { envelope: sent } = readEnvelope(Buffer.from(descriptor, 'utf8'), { mode: 'lenient', schemas });
  const { envelope, icons } = await withCompanions(blobs, sent, row.images);
  return { envelope, icons: icons.map((icon) => (isUrl(icon.href) ? { ...icon, href: shownUrl(icon.href) } : icon)) };
}

export function applianceRenderings(services: ExportServices): Rendering[] {
  const { store } = services;
  const rowOf = async (id: string): Promise<ApplianceRow> => {
    const row = await loadAppliance(store, id);
    if (row) return row;
    throw problem('internal', 'appliance.row-missing', 'the appliance has lost its plan');
  };
  return [
    {
      mediaType: DESCRIPTOR_TYPES[0],
      kind: APPLIANCE,
      render: async ({ id }) => {
        const row = await rowOf(id);
        const { envelope, icons } = await originalOf(services, row);
        return Buffer.from(exportEnvelope(foldReplicas(row.plan), envelope, icons), 'utf8');
      },
    },
    {
      mediaType: PACKAGE_TYPES[0],
      kind: APPLIANCE,
      render: async ({ id }) => exportArchive(services, await rowOf(id)),
    },
  ];
}

type Icons = Awaited<ReturnType<typeof withCompanions>>['icons'];

/** Everything that can go wrong does so before the first byte is sent. */
async function exportArchive(services: ExportServices, row: ApplianceRow): Promise<AsyncIterable<Uint8Array>> {
  const { blobs } = services;
  const { plan: packed, members: needed } = await outgoingPackage(blobs, row);
  const plan = foldReplicas(packed);
  const { envelope, icons } = await originalOf(services, row);
  const members = [...needed, ...iconMembers(icons, needed)];
  const stem = plan.id.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 60) || 'appliance';
  const descriptor = Buffer.from(exportEnvelope(plan, envelope, kept(icons)), 'utf8');
  const lines = [
    [`${stem}.ovf`, createHash('sha256').update(descriptor).digest('hex')],
    ...members.map(({ name, sha256 }) => [name, sha256]),
  ];
  const manifest = Buffer.from(lines.map(([name, digest]) => `SHA256(${name})= ${digest}\n`).join(''), 'utf8');
  for (const { name, sizeBytes } of members) headerOf(name, sizeBytes);
  return archive(
    blobs,
    [
      [`${stem}.ovf`, descriptor],
      [`${stem}.mf`, manifest],
    ],
    members,
  );
}

/** Icons that are here, and those that stand for themselves at a URL. */
function kept(icons: Icons): Icons {
  return icons.filter(({ href, blob }) => blob !== undefined || safeHref(href).kind === 'url');
}

function iconMembers(icons: Icons, needed: readonly PackageMember[]): readonly PackageMember[] {
  const names = new Set(needed.map(({ name }) => name));
  return icons.flatMap(({ href, blob }) => {
    const place = safeHref(href);
    return blob && place.kind === 'member' && !names.has(place.path) ? [{ name: place.path, ...blob }] : [];
  });
}

async function* archive(
  blobs: BlobStore,
  documents: readonly (readonly [string, Buffer])[],
  members: readonly PackageMember[],
): AsyncGenerator<Uint8Array> {
  for (const [name, bytes] of documents) {
    yield headerOf(name, bytes.length);
    yield bytes;
    yield tarPadding(bytes.length);
  }
  for (const { name, sha256, sizeBytes } of members) {
    yield headerOf(name, sizeBytes);
    yield* await blobs.open(sha256);
    yield tarPadding(sizeBytes);
  }
  yield TAR_END;
}

function headerOf(name: string, size: number): Uint8Array {
  const header = tarHeader(name, size);
  if (header) return header;
  throw problem('conflict', 'ovf.export-name', 'the name of a file is too long for an archive', {
    value: name.slice(0, 80),
    remedy: 'take the descriptor alone: Accept: application/ovf+xml',
  });
}
