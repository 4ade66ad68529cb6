/** Images of oned as the adapter sees them: what machines boot from, and the data blocks that are VEP's volumes. */

import { IaasError, type CallOptions } from '../../adapter.js';
import type { Branch } from '../../document.js';
import { ownedBy, type Owned } from './as-owner.js';
import { marksIn, numberOf, uniqueName, type Marks } from './marks.js';
import type { Oned } from './oned.js';
import { IMAGE } from './states.js';

/** What VEP made an object for: oned has one pool for all of them. */
export type Purpose = 'image' | 'volume';

export interface Image extends Owned {
  readonly id: number;
  readonly name: string;
  readonly meaning: (typeof IMAGE)[number];
  readonly stateNumber: number;
  readonly marks: Marks | undefined;
  readonly purpose: Purpose;
  readonly sizeBytes: number;
  readonly format: string;
  /** Where oned has it from, if that was not another image. */
  readonly path: string;
  /** Several machines may have it at a time. */
  readonly shared: boolean;
  readonly runningMachines: number;
  /** Numbers of the machines that have it. */
  readonly machines: readonly string[];
  readonly message: string | undefined;
}

const MIB = 2 ** 20;

export class ImagePool {
  readonly #oned: Oned;
  readonly #realm: string;

  constructor(oned: Oned, realm: string) {
    this.#oned = oned;
    this.#realm = realm;
  }

  async all(options: CallOptions = {}): Promise<readonly Image[]> {
    const pool = await this.#oned.document('one.imagepool.info', [-2, -1, -1], options);
    return pool.all('IMAGE').map((body) => readImage(body, this.#realm));
  }

  async look(ref: string, options: CallOptions): Promise<Image | undefined> {
    const id = numberOf(ref);
    if (id === undefined) return undefined;
    try {
      return readImage(await this.#oned.document('one.image.info', [id], options), this.#realm);
    } catch (error) {
      if (error instanceof IaasError && error.class === 'not-found') return undefined;
      throw error;
    }
  }

  /** @throws IaasError `not-found`, or `denied` for what VEP did not make for this purpose */
  async own(ref: string, purpose: Purpose, options: CallOptions): Promise<Image> {
    const image = await this.look(ref, options);
    if (!image || (image.marks && image.purpose !== purpose))
      throw new IaasError('not-found', `OpenNebula has no such ${purpose}`);
    if (!image.marks) throw new IaasError('denied', `this ${purpose} was not made by VEP, which leaves it alone`);
    return image;
  }

  /** The one of a token, complete or not: its name is the token's. */
  async named(token: string, options: CallOptions): Promise<Image | undefined> {
    const name = uniqueName(this.#realm, token);
    return (await this.all(options)).find((image) => image.name === name);
  }

  async remove(ref: string, purpose: Purpose, options: CallOptions): Promise<void> {
    const image = await this.look(ref, options);
    if (!image || (image.marks && image.purpose !== purpose)) return;
    if (!image.marks) throw new IaasError('denied', `this ${purpose} was not made by VEP, which leaves it alone`);
    if (image.meaning.name === 'DELETE') return;
    if (image.runningMachines > 0) throw new IaasError('conflict', `machines are using this ${purpose}`);
    await this.#oned.id('one.image.delete', [image.id, false], options).catch((error: unknown) => {
      if (!(error instanceof IaasError) || error.class !== 'not-found') throw error;
    });
  }
}

export function purposeIn(template: Branch | undefined): Purpose {
  return template?.value('VEP_PURPOSE') === 'volume' ? 'volume' : 'image';
}

function readImage(body: Branch, realm: string): Image {
  const template = body.child('TEMPLATE');
  const stateNumber = body.number(-1, 'STATE');
  const [told, registered] = [template?.number(0, 'VEP_SIZE') ?? 0, body.number(0, 'SIZE') * MIB];
  const purpose = purposeIn(template);
  const name = body.value('NAME') ?? '';
  return {
    id: body.number(-1, 'ID'),
    name,
    ...ownedBy(body),
    stateNumber,
    meaning: IMAGE[stateNumber] ?? { name: `STATE ${stateNumber}`, state: 'error' },
    marks: ownMarks(name, template, realm),
    purpose,
    // Of a volume that has grown on the disk of a host, oned learns when it comes back.
    sizeBytes: purpose === 'volume' ? Math.max(told, registered) : told || registered,
    format: body.value('FORMAT') ?? template?.value('DRIVER') ?? 'raw',
    path: body.value('PATH') ?? '',
    shared: template?.value('PERSISTENT_TYPE')?.toUpperCase() === 'SHAREABLE',
    runningMachines: body.number(0, 'RUNNING_VMS'),
    machines: (body.child('VMS')?.all('ID') ?? []).map((id) => id.text),
    message: template?.value('ERROR')?.replace(/^\w{3} \w{3} +\d+ [\d:]+ \d{4} ?: /, ''),
  };
}

/** A clone has the marks of what it was made from: a volume until it gets its own, a backup for good. Its name tells. */
function ownMarks(name: string, template: Branch | undefined, realm: string): Marks | undefined {
  const marks = marksIn(template, realm);
  const made = name.startsWith(`${realm}-`) ? name.slice(realm.length + 1) : '';
  const isAnothers = made !== marks?.token && /^([0-9a-f]{40}$|(backup|snapshot)-of-)/.test(made);
  return isAnothers ? undefined : marks;
}
