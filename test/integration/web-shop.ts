/** `examples/web-shop` as a client sends it whole: one form of descriptor, image and, if wanted, agreement (K05 c). */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-root.js';

export const SHOP = join(packageRoot, 'examples/web-shop');

/** What one web shop takes of a VO; memory and storage in GiB. */
export const SHOP_TAKES = {
  appliances: 1,
  machines: 3,
  cores: 8,
  memory: 12,
  volumes: 4,
  storage: 32,
  networks: 2,
} as const;

export interface ApplianceForm {
  readonly headers: Readonly<Record<'content-type', string>>;
  readonly body: Uint8Array;
}

/** @param agreement text of a document to send along; `attributes`: further ones, as `name=value` */
export function webShop({
  title,
  ...parts
}: {
  readonly title?: string;
  readonly agreement?: string;
  readonly attributes?: readonly string[];
} = {}): Promise<ApplianceForm> {
  const attributes = [...(title === undefined ? [] : [`occi.core.title="${title}"`]), ...(parts.attributes ?? [])];
  const image = 'images/base.qcow2';
  const files = { [image]: readFileSync(join(SHOP, image)) };
  return applianceForm({ ...parts, attributes, ovf: readFileSync(join(SHOP, 'web-shop.ovf')), files });
}

/** A descriptor, its files by name, and if wanted an agreement. */
export async function applianceForm({
  ovf,
  agreement,
  attributes = [],
  files = {},
}: {
  readonly ovf: string | Uint8Array;
  readonly agreement?: string;
  readonly attributes?: readonly string[];
  readonly files?: Readonly<Record<string, Uint8Array>>;
}): Promise<ApplianceForm> {
  const form = new FormData();
  const add = (name: string, type: string, content: string | Uint8Array, filename: string): void =>
    form.append(name, new Blob([typeof content === 'string' ? content : Uint8Array.from(content)], { type }), filename);
  if (attributes.length > 0)
    add('entity', 'text/plain', attributes.map((each) => `X-OCCI-Attribute: ${each}`).join('\n'), 'entity.txt');
  if (agreement !== undefined) add('sla', 'application/vnd.vep.sla+json', agreement, 'agreement.json');
  add('ovf', 'application/ovf+xml', ovf, 'appliance.ovf');
  for (const [name, content] of Object.entries(files)) add('file', 'application/octet-stream', content, name);
  const response = new Response(form);
  const type = response.headers.get('content-type') ?? '';
  return { headers: { 'content-type': type }, body: new Uint8Array(await response.arrayBuffer()) };
}
