/**
 * Packages that are made to do harm (S-096 to S-099, O-015, O-023, O-024, O-075 to O-078): each is refused with the place
 * and the rule, before more of it has been read than stands in the last column, and nothing of it is handed on.
 */

import { gzipSync } from 'node:zlib';
import type { Header } from 'tar-stream';
import { Problem, type Fault } from '../../src/base/errors.js';
import { readEnvelope } from '../../src/ovf/index.js';
import { readOva } from '../../src/ovf/package/ova.js';
import { PACKAGE_LIMITS } from '../../src/ovf/package/reader.js';
import { descriptor } from './envelope-support.js';
import { schemas } from './schema-support.js';
import { END, file, header, packed, type Entry } from './tar-support.js';

const KIB = 1024;
const MIB = 1024 * KIB;

const OVF: Entry = [{ name: 'shop.ovf' }, descriptor()];

/** An archive that has these members first and then goes on without end. */
async function* endless(...members: readonly Entry[]): AsyncGenerator<Uint8Array> {
  yield (await packed(members)).subarray(0, -END.length);
  for (let number = 0; ; number += 1) yield file('z'.repeat(64 * KIB), { name: `filler-${number}` });
}

async function* once(...chunks: readonly Buffer[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

/** A member of zeros, as large as one likes. */
function bomb(): AsyncGenerator<Uint8Array> {
  const zeros = Buffer.concat([header({ name: 'zeros.vmdk', size: '00500000000\0' }), Buffer.alloc(80 * MIB)]);
  return once(gzipSync(zeros));
}

/** A header that announces 8 GiB less one byte, and zeros behind it without end. */
async function* huge(name: string, type = '0'): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(header({ name, type, size: '77777777777\0' }));
  for (;;) yield Buffer.alloc(64 * KIB);
}

const named = (name: string, more: Partial<Header> = {}): Entry => [
  { name, ...more },
  more.type === undefined ? 'x' : '',
];

type Row = readonly [
  what: string,
  archive: () => AsyncGenerator<Uint8Array>,
  rule: string,
  field: string,
  read: number,
];

const ARCHIVES: readonly Row[] = [
  // what                          the archive                                                   rule     place          read
  ['a path out of the package', () => endless(OVF, named('../evil')), 'O-023', '../evil', 4 * MIB],
  ['a path out, from within', () => endless(OVF, named('a/../../evil')), 'O-023', 'a/../../evil', 4 * MIB],
  ['an absolute path', () => endless(OVF, named('/etc/passwd')), 'O-023', '/etc/passwd', 4 * MIB],
  ['a drive letter', () => endless(OVF, named('C:/x')), 'O-023', 'C:/x', 4 * MIB],
  ['a backslash', () => endless(OVF, named('a\\..\\x')), 'O-023', 'a\\..\\x', 4 * MIB],
  ['a control character', () => endless(OVF, named('a\nb')), 'O-023', 'a\nb', 4 * MIB],
  ['a name of 2,000 bytes', () => endless(OVF, named('n'.repeat(2000))), 'O-023', 'n'.repeat(2000), 4 * MIB],
  [
    'a symbolic link',
    () => endless(OVF, named('link', { type: 'symlink', linkname: '/etc' })),
    'O-023',
    'link',
    4 * MIB,
  ],
  [
    'a hard link',
    () => endless(OVF, named('link', { type: 'link', linkname: '/etc/passwd' })),
    'O-023',
    'link',
    4 * MIB,
  ],
  ['a device', () => endless(OVF, named('dev', { type: 'block-device' })), 'O-023', 'dev', 4 * MIB],
  ['a FIFO', () => endless(OVF, named('pipe', { type: 'fifo' })), 'O-023', 'pipe', 4 * MIB],
  ['a name twice', () => endless(OVF, named('a'), named('./a')), 'O-023', './a', 4 * MIB],
  [
    'a sparse bomb',
    () => endless(OVF, named('disk.vmdk', { pax: { 'GNU.sparse.realsize': '9e15' } })),
    'O-023',
    'disk.vmdk',
    4 * MIB,
  ],
  ['a second descriptor', () => endless(OVF, named('b.ovf')), 'O-022', 'b.ovf', 4 * MIB],
  ['a second manifest', () => endless(OVF, named('a.mf'), named('b.mf')), 'O-025', 'b.mf', 4 * MIB],
  ['members without end', () => endless(OVF), 'O-024', '', 12 * MIB],
  ['a size of 8 GiB that is not there', () => huge('disk.vmdk'), 'O-024', '', 4 * MIB],
  ['a descriptor of 8 GiB', () => huge('shop.ovf'), 'O-024', '', 4 * MIB],
  ['a pax header of 8 GiB', () => huge('x', 'x'), 'O-023', '', 4 * MIB],
  ['a gzip bomb', bomb, 'O-024', '', 4 * MIB],
  ['a gzip bomb of gzip bombs', () => once(gzipSync(gzipSync(Buffer.alloc(64 * MIB)))), 'O-023', '', 4 * MIB],
  ['no archive at all', () => once(Buffer.alloc(64 * KIB, 'PK')), 'O-023', '', 4 * MIB],
];

describe('an archive with', () => {
  it.each(ARCHIVES)('%s', async (_what, archive, rule, field, most) => {
    const handed: string[] = [];
    let read = 0;
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of archive()) {
        read += chunk.byteLength;
        yield chunk;
      }
    };
    const sink = {
      open: (name: string) => {
        handed.push(name);
        return Promise.resolve({
          write: () => Promise.resolve(),
          close: () => Promise.resolve({}),
          abort: () => Promise.resolve(void handed.splice(handed.indexOf(name), 1)),
        });
      },
    };
    const limits = { ...PACKAGE_LIMITS, members: 150, bytes: 1024 * MIB };
    const faults = await faultsOf(readOva(source(), sink, { mode: 'lenient', limits }));
    expect(faults[0]).toMatchObject({
      code: `ovf.${rule}`,
      rule: expect.stringContaining(rule),
      remedy: expect.any(String),
    });
    expect(faults[0]?.place?.field ?? '').toBe(field);
    expect(read).toBeLessThan(most);
    expect(handed.filter((name) => !name.startsWith('filler') && name !== 'a')).toEqual([]);
  });
});

const href = (reference: string): string =>
  descriptor({ references: `<References><File ovf:id="file1" ovf:href="${reference}"/></References>` });
const entities = `<!DOCTYPE x [<!ENTITY a0 "ha">${Array.from({ length: 20 }, (_, n) => `<!ENTITY a${n + 1} "&a${n};&a${n};">`).join('')}]>`;

const DESCRIPTORS: readonly (readonly [what: string, text: () => string, code: string, line: number | undefined])[] = [
  ['a document type', () => `<!DOCTYPE Envelope>\n${bare()}`, 'xml.doctype', 1],
  ['a document type that names a file', () => `<!DOCTYPE x SYSTEM "file:///etc/passwd">${bare()}`, 'xml.doctype', 1],
  ['an entity that names a file', () => `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///e">]>${bare()}`, 'xml.doctype', 1],
  ['a billion laughs', () => `${entities}<x>&a20;</x>`, 'xml.doctype', 1],
  ['an entity of nowhere', () => bare().replace('disks', '&lol;'), 'xml.not-well-formed', 3],
  ['elements 200,000 deep', () => '<a>'.repeat(200_000), 'xml.depth', 1],
  ['100,001 elements', () => `<a>${`<b>${'<c/>'.repeat(999)}</b>`.repeat(101)}</a>`, 'xml.elements', 1],
  ['2,000 attributes on one', () => `<a ${attributes(2000)}/>`, 'xml.attributesPerElement', 1],
  ['13 MiB of text', () => `<a>${' '.repeat(13 * MIB)}</a>`, 'xml.bytes', undefined],
  ['an href that leaves the package', () => href('../../disk.vmdk'), 'ovf.O-015', 3],
  ['an href that leaves it escaped', () => href('%2e%2e/disk.vmdk'), 'ovf.O-015', 3],
  ['an absolute href', () => href('/etc/passwd'), 'ovf.O-015', 3],
  ['a file: href', () => href('file:///etc/passwd'), 'ovf.O-015', 3],
  ['an href with a drive letter', () => href('C:/disk.vmdk'), 'ovf.O-015', 3],
  ['an href with a backslash', () => href('a\\..\\disk.vmdk'), 'ovf.O-015', 3],
  ['an ftp: href', () => href('ftp://example.org/d'), 'ovf.O-015', 3],
  ['an href with a password', () => href('http://me:pw@example.org/d'), 'ovf.O-015', 3],
];

const bare = (): string => descriptor().replace(/<\?xml[^>]*\?>\s*/, '');
const attributes = (count: number): string => Array.from({ length: count }, (_, n) => `a${n}=""`).join(' ');

describe('a descriptor with', () => {
  it.each(DESCRIPTORS)('%s', async (_what, text, code, line) => {
    for (const mode of ['lenient', 'strict'] as const) {
      const reading = (): unknown => readEnvelope(Buffer.from(text()), { mode, schemas });
      const faults = await faultsOf(Promise.resolve().then(reading));
      const found = faults.find((fault) => fault.code === code);
      expect([code, found?.rule, found?.remedy]).toEqual([code, expect.any(String), expect.any(String)]);
      expect(found?.place?.line).toBe(line);
      expect(JSON.stringify(faults).length).toBeLessThan(64 * KIB);
    }
  });
});

async function faultsOf(work: Promise<unknown>): Promise<readonly Fault[]> {
  const error: unknown = await work.then(
    () => new Error('it was taken in'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof Problem) return error.faults;
  throw error;
}
