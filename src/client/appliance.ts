/**
 * Appliances as a client sends them (K03–K07): an OVF descriptor with its files, or the URL of one, with the inputs, the
 * agreement and the choices of the user. One multipart request carries all of it, in the order of K05.
 */

import { isJsonObject, type JsonObject, type JsonValue } from '../base/json.js';
import { CONTRAIL, type TypeId } from '../occi/model.js';
import type { PlanDocument } from '../ovf/plan-document.js';
import { multipart, type MultipartBody, type Part } from './multipart.js';

export const APPLIANCE: TypeId = `${CONTRAIL}/ovf#appliance`;
export const APPLIANCE_LOCATION = '/appliance/';
export const APPLIANCE_ACTIONS = `${CONTRAIL}/ovf/appliance/action#`;
const OVF = 'eu.contrail-project.ovf';

export interface PackageFile {
  /** As the descriptor refers to it. */
  readonly href: string;
  readonly open: () => AsyncIterable<Uint8Array>;
}

export interface NewAppliance {
  /** The descriptor itself, or where it is: an http(s) URL or `upload:<id>`. */
  readonly ovf: Uint8Array | { readonly url: string };
  /** File name of the descriptor, under which a manifest lists it. */
  readonly ovfName?: string;
  /** Files of the package that are sent along, its manifest and certificate among them. */
  readonly files?: readonly PackageFile[];
  /** The agreement offered with it, as it lies on disk. */
  readonly sla?: Uint8Array;
  /** URL of an agreement that is accepted already. */
  readonly agreement?: string;
  /** `{properties, networks, eulas, credentials}` (K04). */
  readonly inputs?: JsonObject;
  readonly configuration?: string;
  readonly site?: string;
  readonly title?: string;
  readonly keepOnFailure?: boolean;
}

/** The answer to a dry run (K07). */
export type DryRunPlan = PlanDocument;

/** The body of the request. The same appliance under the same key gives the same bytes, however often it is sent. */
export function applianceBody(appliance: NewAppliance, key: string): MultipartBody {
  const { ovf, ovfName = 'appliance.ovf', sla, files = [] } = appliance;
  const parts: Part[] = [part('entity', 'entity.json', 'application/occi+json', Buffer.from(entityJson(appliance)))];
  if (sla) parts.push(part('sla', 'sla', slaType(sla), sla));
  if (!('url' in ovf)) parts.push(part('ovf', ovfName, 'application/ovf+xml', ovf));
  for (const { href, open } of files) {
    parts.push({ name: 'file', filename: href, mediaType: 'application/octet-stream', open });
  }
  return multipart(parts, `vep-${key}`);
}

function entityJson({ ovf, inputs, configuration, site, agreement, keepOnFailure, title }: NewAppliance): string {
  return JSON.stringify({
    kind: APPLIANCE,
    ...(title === undefined ? {} : { title }),
    attributes: {
      ...('url' in ovf ? { [`${OVF}.url`]: ovf.url } : {}),
      ...(inputs === undefined ? {} : { [`${OVF}.inputs`]: inputs }),
      ...(configuration === undefined ? {} : { [`${OVF}.configuration`]: configuration }),
      ...(site === undefined ? {} : { [`${OVF}.site`]: site }),
      ...(agreement === undefined ? {} : { [`${OVF}.agreement`]: agreement }),
      ...(keepOnFailure === true ? { [`${OVF}.keep-on-failure`]: true } : {}),
    },
  });
}

function part(name: string, filename: string, mediaType: string, bytes: Uint8Array): Part {
  return { name, filename, mediaType, open: () => [bytes] };
}

/** VEP's own form of an agreement is JSON; the others are XML. */
function slaType(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 64))
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trimStart();
  return start.startsWith('<') ? 'application/xml' : 'application/vnd.vep.sla+json';
}

/** Merges what the user gave in a file with what they gave one by one, which counts more. */
export function mergeInputs(file: JsonObject, given: JsonObject): JsonObject {
  const merged: Record<string, JsonValue> = { ...file };
  for (const [member, value] of Object.entries(given)) {
    const before = merged[member];
    merged[member] = isJsonObject(before) && isJsonObject(value) ? { ...before, ...value } : value;
  }
  return merged;
}
