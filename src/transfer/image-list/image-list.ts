/**
 * Image lists of the HEPiX working group as the EGI publishes them: JSON in which an endorser vouches for images that a
 * Virtual Organization uses (`spec/federation-auth.md` §11). Read strictly where somebody relies on it: identifiers, URLs,
 * sizes, digests and times; everything else is for people.
 */

import { excerpt, Problem, type Fault } from '../../base/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../base/json.js';

export interface ImageList {
  readonly identifier: string;
  readonly title: string;
  readonly vo: string;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
  readonly images: readonly ListedImage[];
}

export interface ListedImage {
  readonly identifier: string;
  readonly title: string;
  readonly description: string;
  readonly version: string;
  readonly url: string;
  readonly format: ListedFormat;
  readonly sizeBytes: number;
  /** Lower-case hexadecimal. */
  readonly sha512: string;
  readonly expires: number;
}

/** Formats by which lists call what VEP can use; an OVA brings one disk. */
export type ListedFormat = 'ova' | 'qcow2' | 'vmdk' | 'vhd' | 'raw' | 'iso';

const FORMATS: Readonly<Record<string, ListedFormat>> = {
  ova: 'ova',
  qcow2: 'qcow2',
  vmdk: 'vmdk',
  vhd: 'vhd',
  raw: 'raw',
  img: 'raw',
  iso: 'iso',
};

const MOST_IMAGES = 5000;

/** @throws Problem `invalid` (`image-list.form`) with every fault at its JSON pointer */
export function parseImageList(text: string): ImageList {
  const faults: Fault[] = [];
  const list = new Reader(documentOf(text), '/hv:imagelist', faults);
  const entries = list.list('hv:images');
  if (entries.length > MOST_IMAGES) faults.push(fault('/hv:imagelist/hv:images', `over ${MOST_IMAGES} images`));
  const images = entries.slice(0, MOST_IMAGES).map((entry, index) => {
    const place = `/hv:imagelist/hv:images/${index}/hv:image`;
    const image = isJsonObject(entry) && isJsonObject(entry['hv:image']) ? entry['hv:image'] : {};
    return imageOf(new Reader(image, place, faults));
  });
  const twice = images.find(
    ({ identifier }, index) => images.findIndex((each) => each.identifier === identifier) < index,
  );
  if (twice) faults.push(fault('/hv:imagelist/hv:images', `the image ${excerpt(twice.identifier)} is there twice`));
  const read = {
    identifier: list.name('dc:identifier'),
    title: list.text('dc:title'),
    vo: list.name('ad:vo'),
    version: list.name('hv:version'),
    expires: list.time('dc:date:expires'),
    images,
  };
  if (faults.length > 0) throw new Problem('invalid', faults.slice(0, 50));
  return read;
}

/** Versions of lists are numbers, perhaps with dots: `20150618211400`, `1.10`. Negative where `a` is older. */
export function compareVersions(a: string, b: string): number {
  const parts = (version: string): bigint[] =>
    version.split('.').map((part) => BigInt(/^\d{1,40}$/.exec(part)?.[0] ?? 0));
  const [left, right] = [parts(a), parts(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = (left[index] ?? 0n) - (right[index] ?? 0n);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
  }
  return 0;
}

function documentOf(text: string): JsonObject {
  let document: JsonValue;
  try {
    document = JSON.parse(text) as JsonValue;
  } catch {
    throw new Problem('invalid', [fault('', 'the content is no JSON')]);
  }
  const list = isJsonObject(document) ? document['hv:imagelist'] : undefined;
  if (!isJsonObject(list)) throw new Problem('invalid', [fault('/hv:imagelist', 'there is no image list')]);
  return list;
}

function imageOf(image: Reader): ListedImage {
  return {
    identifier: image.name('dc:identifier'),
    title: image.text('dc:title'),
    description: image.text('dc:description'),
    version: image.text('hv:version'),
    url: image.url('hv:uri'),
    format: image.format('hv:format'),
    sizeBytes: image.size('hv:size'),
    sha512: image.matching('sl:checksum:sha512', /^[0-9a-f]{128}$/i, 'a SHA-512 digest').toLowerCase(),
    expires: image.time('dc:date:expires'),
  };
}

/** Members of one object of the list; what is wrong with them goes to the faults. */
class Reader {
  readonly #object: JsonObject;
  readonly #place: string;
  readonly #faults: Fault[];

  constructor(object: JsonObject, place: string, faults: Fault[]) {
    this.#object = object;
    this.#place = place;
    this.#faults = faults;
  }

  /** For people; absent is empty. Without control characters. */
  text(name: string): string {
    const value = this.#object[name];
    return typeof value === 'string' ? value.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').slice(0, 500) : '';
  }

  matching(name: string, pattern: RegExp, what: string): string {
    const value = this.#object[name];
    const text = typeof value === 'number' ? String(value) : value;
    if (typeof text === 'string' && pattern.test(text)) return text;
    this.#faults.push(fault(`${this.#place}/${name}`, `"${name}" is not ${what}`));
    return '';
  }

  name(name: string): string {
    return this.matching(name, /^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$/, 'a name');
  }

  time(name: string): number {
    return Date.parse(this.matching(name, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/, 'a time in UTC'));
  }

  size(name: string): number {
    return Number(this.matching(name, /^[1-9]\d{0,14}$/, 'a size in bytes'));
  }

  url(name: string): string {
    return this.matching(name, /^https?:\/\/[^\s\\]+$/i, 'an http or https URL');
  }

  format(name: string): ListedFormat {
    return FORMATS[this.matching(name, /^(ova|qcow2|vmdk|vhd|raw|img|iso)$/i, 'a known format').toLowerCase()] ?? 'raw';
  }

  list(name: string): readonly JsonValue[] {
    const value = this.#object[name];
    if (Array.isArray(value)) return value as readonly JsonValue[];
    this.#faults.push(fault(`${this.#place}/${name}`, `"${name}" is not a list`));
    return [];
  }
}

function fault(path: string, message: string): Fault {
  return { code: 'image-list.form', message, place: { path }, remedy: 'have the endorser correct the list' };
}
