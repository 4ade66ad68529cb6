/**
 * cloud-init's own configuration documents, and several of them in one user data. Documents are YAML in its JSON form, in
 * which no value can break out.
 */

import { createHash } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../base/json.js';
import { ENVIRONMENT_FOLDER, type EnvironmentDocument } from './environment-document.js';
import type { NoCloudSeed } from './no-cloud.js';

/**
 * The one document that reports to VEP that the guest is up (K34). cloud-init phones home at the first boot of an instance
 * only; at every later one a script of its does, with whatever the guest has for it.
 */
export function phoneHome(url: string): JsonObject {
  const script = { path: PER_BOOT_SCRIPT, permissions: '0700', content: readyScript(url) };
  return { phone_home: { url, post: ['instance_id', 'hostname'], tries: 10 }, write_files: [script] };
}

const PER_BOOT_SCRIPT = '/var/lib/cloud/scripts/per-boot/vep-ready';

function readyScript(url: string): string {
  const quoted = `'${url.replaceAll("'", '%27')}'`;
  return `#!/bin/sh
# Tells the platform that the guest is up again. cloud-init itself does so at the first boot.
seen=/var/lib/cloud/vep-ready.seen
[ -e "$seen" ] || { : > "$seen"; exit 0; }
for try in 1 2 3 4 5 6 7 8 9 10; do
  curl -fsS -X POST -d '' ${quoted} 2>/dev/null && exit 0
  wget -q -O /dev/null --post-data='' ${quoted} 2>/dev/null && exit 0
  python3 -c 'import sys, urllib.request as r; r.urlopen(sys.argv[1], b"")' ${quoted} 2>/dev/null && exit 0
  sleep 3
done
exit 0
`;
}

export function cloudConfig(configuration: JsonObject): string {
  return `#cloud-config\n${yaml(configuration)}\n`;
}

/**
 * The folder that cloud-init keeps for seeds of OVF. What lies there is for the guest's own software: cloud-init has had its
 * data from another source by then, and its OVF source, though it says otherwise, reads a seed one folder further up.
 */
const SEED_FOLDER = '/var/lib/cloud/seed/ovf';
export const SEEDED_ENVIRONMENT = `${SEED_FOLDER}/ovf-env.xml`;

/**
 * The user data of a site that takes one document and nothing beside it: the appliance's own and VEP's part as a MIME
 * archive, the appliance's going before. `environment` is put into a file of the guest, and `documents` beside it, for sites
 * without a CD.
 */
export function combinedUserData(
  { configuration, own }: NoCloudSeed,
  environment?: string,
  documents: readonly EnvironmentDocument[] = [],
): string {
  const file = { path: SEEDED_ENVIRONMENT, permissions: '0600', content: environment ?? '' };
  const beside = documents.map(({ path, base64 }) => ({
    path: `${SEED_FOLDER}/${ENVIRONMENT_FOLDER}/${path}`,
    permissions: '0600',
    encoding: 'b64',
    content: base64,
  }));
  const files = [...filesOf(configuration), ...(environment === undefined ? [] : [file]), ...beside];
  const ours = { ...configuration, ...(files.length > 0 && { write_files: files }) };
  if (own === undefined) return cloudConfig(ours);
  if (Object.keys(ours).length === 0) return own;
  const merging = {
    ...ours,
    merge_how: [
      { name: 'list', settings: ['append'] },
      { name: 'dict', settings: ['no_replace', 'recurse_list'] },
      { name: 'str', settings: [] },
    ],
  };
  return archive([own, cloudConfig(merging)]);
}

function filesOf({ write_files: files }: JsonObject): readonly JsonValue[] {
  return Array.isArray(files) ? (files as readonly JsonValue[]) : [];
}

/** A MIME archive (RFC 2046 §5.1.3); what each part is, cloud-init tells by its first line. */
function archive(parts: readonly string[]): string {
  const boundary = `vep-${createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32)}`;
  return [
    `Content-Type: multipart/mixed; boundary="${boundary}"\nMIME-Version: 1.0\n`,
    ...parts.map((part) => `--${boundary}\n${isMime(part) ? part : encoded(part)}\n`),
    `--${boundary}--\n`,
  ].join('\n');
}

/** An archive stands in the archive with headers of its own. */
function isMime(part: string): boolean {
  return /^(?:content-type|mime-version):/i.test(part);
}

function encoded(part: string): string {
  const lines =
    Buffer.from(part, 'utf8')
      .toString('base64')
      .match(/.{1,76}/g) ?? [];
  return `Content-Type: text/plain; charset="utf-8"\nContent-Transfer-Encoding: base64\n\n${lines.join('\n')}`;
}

/** JSON is YAML but for a few characters that YAML wants escaped (YAML 1.2 §5.1). */
export function yaml(value: JsonObject): string {
  return JSON.stringify(value, undefined, 2).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
