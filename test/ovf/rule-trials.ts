/** What the table of rules is made of: descriptors, packages, images and agreements, and what VEP says of each. */

import { createHash } from 'node:crypto';

import { Problem, type Fault } from '../../src/base/errors.js';
import { checkAddresses, checkUrl } from '../../src/net/target.js';
import { AllowList } from '../../src/net/address.js';
import type { Mode } from '../../src/ovf/envelope/findings.js';
import { RULEBOOK, type RuleCode } from '../../src/ovf/envelope/rulebook.js';
import { buildEnvironment, NO_INPUTS, planAppliance, readXml, secretKey } from '../../src/ovf/index.js';
import type { PlanInputs } from '../../src/ovf/inputs.js';
import { checkCompleteness } from '../../src/ovf/package/completeness.js';
import { readOva } from '../../src/ovf/package/ova.js';
import { PACKAGE_LIMITS } from '../../src/ovf/package/reader.js';
import { linkItems } from '../../src/sla/link-items.js';
import { parseAgreement } from '../../src/sla/parse.js';
import { probeImage } from '../../src/transfer/image-probe.js';
import { seenImages } from '../../extensions/ovf-deployment/image-findings.js';
import { sizedByImages } from '../../extensions/ovf-deployment/image-sizes.js';
import * as e from './envelope-support.js';
import * as p from './plan-support.js';
import { schemas } from './schema-support.js';
import { inChunks, packed, type Entry } from './tar-support.js';

export type Outcome = 'error' | 'warning' | 'info' | 'none';
export type Trial = (mode: Mode) => readonly Fault[] | Promise<readonly Fault[]>;

/* --- what is tried ------------------------------------------------------------------------------------------------- */

/** A descriptor made of parts, read and planned. */
export const of = (parts: e.Parts, inputs: Partial<PlanInputs> = {}): Trial => planned(e.descriptor(parts), inputs);
export const content = (text: string, sections = ''): Trial => of({ content: text, sections });
export const planned =
  (text: string | Uint8Array, inputs: Partial<PlanInputs> = {}): Trial =>
  (mode) =>
    faultsOf(
      () => planAppliance(Buffer.from(text), { ...NO_INPUTS, eulas: 'all', ...inputs }, { mode, schemas }).findings,
    );

async function faultsOf(work: () => readonly Fault[] | Promise<readonly Fault[]>): Promise<readonly Fault[]> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Problem) return error.faults;
    throw error;
  }
}

export const sound: Trial = of({});
export const twoSystems = (sections = '', first = e.hardware(e.CPU + e.MEMORY)): string =>
  e.collection('top', sections, e.system('a', first) + e.system('b', e.hardware(e.CPU + e.MEMORY)));
export const disks = (from: string | RegExp, to: string): Trial =>
  of({ disks: `<DiskSection><Info/>${e.DISKS.replace(from, to)}</DiskSection>` });
export const items = (from: string | RegExp, to: string): Trial => of({ items: e.ITEMS.replace(from, to) });
export const further = (item: string, parts: e.Parts = {}): Trial => of({ ...parts, items: e.ITEMS + item });
export const files = (from: string, to: string): Trial =>
  of({ references: `<References>${e.FILES.replace(from, to)}</References>` });
export const quantity = (value: number | string): string => `<rasd:VirtualQuantity>${value}</rasd:VirtualQuantity>`;
export const bound = (which: string, value: number): string => e.item(1, 3, quantity(value), `ovf:bound="${which}"`);
export const nested = (depth: number): string =>
  depth === 0 ? e.system('leaf', e.hardware(e.CPU + e.MEMORY)) : e.collection(`c${depth}`, '', nested(depth - 1));
export const OPTIONS = `<DeploymentOptionSection><Info/><Configuration ovf:id="small" ovf:default="true"><Label>s</Label><Description>s</Description></Configuration>
  <Configuration ovf:id="big"><Label>b</Label><Description>b</Description></Configuration></DeploymentOptionSection>`;
export const product = (inside: string, attributes = ''): string =>
  `<ProductSection ${attributes}><Info/>${inside}</ProductSection>`;
export const property = (key: string, more = ''): string => `<Property ovf:key="${key}" ovf:type="string" ${more}/>`;
/** Properties on a system whose hardware has a transport. */
export const props = (inside: string, inputs: Partial<PlanInputs> = {}, transport = 'ovf:transport="iso"'): Trial =>
  of({ systemSections: inside, hardware: e.hardware(e.ITEMS, transport) }, inputs);
export const startup = (attributes: string): string =>
  twoSystems(`<StartupSection><Info/><Item ${attributes}/></StartupSection>`);

/* --- packages ------------------------------------------------------------------------------------------------------ */

export const OVF: Entry = [{ name: 'shop.ovf' }, e.descriptor()];
export const VMDK: Entry = [{ name: 'disk1.vmdk' }, 'x'.repeat(100)];
export const line = ([{ name }, text]: Entry, algorithm = 'sha256'): string =>
  `${algorithm.toUpperCase()}(${name})= ${createHash(algorithm).update(text).digest('hex')}\n`;
export const MANIFEST: Entry = [{ name: 'shop.mf' }, line(OVF) + line(VMDK)];
export const manifest = (text: string): Entry => [{ name: 'shop.mf' }, text];

const nowhere = {
  open: () =>
    Promise.resolve({
      write: () => Promise.resolve(),
      close: () => Promise.resolve({}),
      abort: () => Promise.resolve(),
    }),
};

/** An OVA of these members: read, and held against its descriptor. */
export const ova =
  (entries: readonly Entry[], limits = {}): Trial =>
  (mode) =>
    faultsOf(async () => {
      const source = inChunks(await packed(entries), 4096);
      const read = await readOva(source, nowhere, { mode, limits: { ...PACKAGE_LIMITS, ...limits } });
      const { envelope } = e.judge(Buffer.from(read.descriptor.bytes), mode);
      const contents = { ...read, descriptor: read.descriptor.name };
      return [...read.findings, ...(envelope === undefined ? [] : checkCompleteness(envelope, contents, mode))];
    });

/* --- rules that other rooms keep ------------------------------------------------------------------------------------ */

export const dialled =
  (url: string, address: string): Trial =>
  () =>
    faultsOf(() => {
      const nobody = new AllowList([]);
      checkUrl(url, nobody);
      checkAddresses('images.example.org', 443, [address], nobody);
      return [];
    });

const image = (head: Buffer): { sizeBytes: number; read: (offset: number, length: number) => Promise<Uint8Array> } => ({
  sizeBytes: head.length,
  read: (offset, length) => Promise.resolve(head.subarray(offset, offset + length)),
});
/** A qcow2 header: its virtual size, and perhaps the image it lies on. */
export function qcow2(gib: number, backing = ''): Buffer {
  const head = Buffer.alloc(1024);
  head.write('QFI\xfb', 'latin1');
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(16, 20);
  head.writeBigUInt64BE(768n, 40);
  if (backing !== '') {
    head.writeBigUInt64BE(512n, 8);
    head.writeUInt32BE(backing.length, 16);
    head.write(backing, 512);
  }
  head.writeBigUInt64BE(BigInt(gib) * 2n ** 30n, 24);
  return head;
}

/** A plan whose disk came along as an image of so many GiB. */
export const carried =
  (gib: number): Trial =>
  (mode) =>
    faultsOf(async () => {
      const head = qcow2(gib);
      const text = Buffer.from(e.descriptor());
      const blobs = {
        find: (sha256: string) => Promise.resolve({ sha256, sizeBytes: head.length }),
        read: (_: string, offset: number, length: number) => image(head).read(offset, length),
      };
      const result = planAppliance(text, NO_INPUTS, { mode, schemas });
      const { sizes } = await seenImages(blobs as never, result.draft, result.envelope, { file1: { sha256: 'x' } });
      return sizedByImages(result, sizes).findings;
    });

export const agreed =
  (ref: string): Trial =>
  () => {
    const { plan } = p.planOf(e.descriptor());
    const agreement = parseAgreement({
      apiVersion: 'vep.sla/v1',
      kind: 'Agreement',
      id: '9b2f31df-07a6-4b10-a791-eca721240db9',
      parties: { customer: { id: 'alice' }, provider: { id: 'vep' } },
      services: [{ name: 's', items: [{ id: 'i', kind: 'VirtualSystem', ref }] }],
      terms: [],
    });
    if (plan === undefined) throw new Error('no plan');
    return linkItems(agreement, plan, { sha256: '' }).unmet.map(({ code, message }) => ({ code, message }));
  };

/* --- rules that hold whatever the document says --------------------------------------------------------------------- */

/** A finding where something does not hold, so that such rules stand in the same table. */
const unless = (holds: boolean, rule: RuleCode): readonly Fault[] =>
  holds ? [] : [{ code: `ovf.${rule}`, message: RULEBOOK[rule].title }];

const SECRET = 'correct-horse';
const environmentOf = (text: string): string => {
  const { plan, secrets } = p.planOf(text);
  if (plan === undefined) throw new Error('no plan');
  return buildEnvironment(plan, 'vm', secrets, { kind: 'VEP', version: '1', vendor: 'VEP' });
};
const environmentFaults = (text: string): readonly Fault[] => {
  try {
    using document = readXml(Buffer.from(text));
    return unless(schemas.environment(document).length === 0, 'O-067');
  } catch (error) {
    if (error instanceof Problem) return unless(false, 'O-067');
    throw error;
  }
};
/** The environment of a machine whose one property has that value, as written in XML; or spoiled afterwards. */
export const environment =
  (value: string, spoil = (text: string): string => text): Trial =>
  () =>
    environmentFaults(
      spoil(
        environmentOf(p.envelope(p.system('vm', { sections: p.product([p.property('k', `ovf:value="${value}"`)]) }))),
      ),
    );

const shownWith = (attributes: string, mode: Mode): { readonly secret: string | undefined; readonly shown: string } => {
  const sections = p.product([p.property('pw', `ovf:value="${SECRET}" ${attributes}`)]);
  const { secrets, draft, findings, unresolved } = p.planOf(p.envelope(p.system('vm', { sections })), {}, mode);
  return { secret: secrets.get(secretKey('vm', 'pw')), shown: JSON.stringify({ draft, findings, unresolved }) };
};
/** Whether a value is kept apart from all that is shown. */
export const kept =
  (attributes: string): Trial =>
  (mode) => {
    const { secret, shown } = shownWith(attributes, mode);
    return unless(secret === SECRET && !shown.includes(SECRET), 'O-066');
  };

/** Whether the draft of a plan has these processors. */
export const processors =
  (count: number, parts: e.Parts): Trial =>
  (mode) =>
    unless(
      p.planOf(e.descriptor(parts), {}, mode).draft?.machines.every(({ cores }) => cores.normal === count) === true,
      'O-083',
    );

/** Whether two descriptors have one plan. */
export const samePlan =
  (one: e.Parts, other: e.Parts): Trial =>
  (mode) => {
    const [a, b] = [one, other].map((parts) => JSON.stringify(p.planOf(e.descriptor(parts), {}, mode).draft));
    return unless(a === b, 'O-085');
  };

/** Whether `b` starts before `a`. */
export const secondIsFirst =
  (attributes: string): Trial =>
  (mode) => {
    const { draft } = p.planOf(e.descriptor({ content: startup(attributes) }), {}, mode);
    const order = draft?.startup.map(({ machines }) => machines.map(({ id }) => id).join(' ')).join(' > ');
    return unless(order === 'b > a', 'O-071');
  };

/** Whether an appliance with a licence may be deployed. */
export const deployable =
  (eulas: PlanInputs['eulas']): Trial =>
  (mode) => {
    const text = e.descriptor({ systemSections: '<EulaSection><Info/><License>l</License></EulaSection>' });
    return unless(p.planOf(text, { eulas }, mode).plan !== undefined, 'O-072');
  };

/** The level of conformance that is told. */
export const level =
  (wanted: number, parts: e.Parts): Trial =>
  (mode) =>
    unless(e.judge(e.descriptor(parts), mode).envelope?.conformanceLevel === wanted, 'O-008');

/** A disk of a hostile id, and a drive that names it or only nearly. */
export const hostileDisk = (id: string, named: boolean): Trial => {
  const written = id.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
  return of({
    disks: `<DiskSection><Info/>${e.DISKS.replace('vmdisk1', () => written)}</DiskSection>`,
    items: e.ITEMS.replace('/vmdisk1', () => `/${named ? written : `${written}x`}`),
  });
};

/** What the probe says of an image that lies on another, or on none. */
export const probed =
  (backing: string): Trial =>
  () =>
    faultsOf(async () => {
      await probeImage(image(qcow2(1, backing)));
      return [];
    });
