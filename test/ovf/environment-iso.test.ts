/** The CD image (ECMA-119, Rock Ridge, Joliet), read back by a reader that knows nothing of the writer. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { Problem } from '../../src/base/errors.js';
import { buildIso, NO_CLOUD_VOLUME, type IsoFile } from '../../src/ovf/environment/iso.js';

const SECTOR = 2048;

interface ReadIso {
  readonly volumeId: string;
  readonly sectors: number;
  /** Content by name, as read through each of the three sorts of names. */
  readonly level1: ReadonlyMap<string, Buffer>;
  readonly rockRidge: ReadonlyMap<string, Buffer>;
  readonly joliet: ReadonlyMap<string, Buffer>;
  readonly rockRidgeDeclared: boolean;
}

function both32(image: Buffer, at: number): number {
  const value = image.readUInt32LE(at);
  expect(image.readUInt32BE(at + 4)).toBe(value);
  return value;
}

function bigEndian(bytes: Buffer): string {
  return Buffer.from(bytes).swap16().toString('utf16le');
}

interface Record {
  readonly name: Buffer;
  readonly at: number;
  readonly length: number;
  readonly directory: boolean;
  readonly systemUse: Buffer;
}

function readRecords(image: Buffer, at: number, length: number): readonly Record[] {
  const records: Record[] = [];
  for (let offset = at * SECTOR; offset < at * SECTOR + length;) {
    const size = image[offset] ?? 0;
    if (size === 0) {
      offset = (Math.floor(offset / SECTOR) + 1) * SECTOR;
      continue;
    }
    expect(size % 2).toBe(0);
    expect(Math.floor(offset / SECTOR)).toBe(Math.floor((offset + size - 1) / SECTOR));
    const nameLength = image[offset + 32] ?? 0;
    const systemUse = offset + 33 + nameLength + (nameLength % 2 === 0 ? 1 : 0);
    records.push({
      at: both32(image, offset + 2),
      length: both32(image, offset + 10),
      directory: ((image[offset + 25] ?? 0) & 2) !== 0,
      name: image.subarray(offset + 33, offset + 33 + nameLength),
      systemUse: image.subarray(systemUse, offset + size),
    });
    offset += size;
  }
  return records;
}

function systemUseEntries(area: Buffer): ReadonlyMap<string, Buffer> {
  const entries = new Map<string, Buffer>();
  for (let at = 0; at + 4 <= area.length && (area[at + 2] ?? 0) > 0; at += area[at + 2] ?? 0) {
    entries.set(area.toString('latin1', at, at + 2), area.subarray(at, at + (area[at + 2] ?? 0)));
  }
  return entries;
}

function readIso(bytes: Uint8Array): ReadIso {
  const image = Buffer.from(bytes);
  expect(image.length % SECTOR).toBe(0);
  const [primary, joliet, end] = [16, 17, 18].map((sector) =>
    image.subarray(sector * SECTOR, (sector + 1) * SECTOR),
  ) as [Buffer, Buffer, Buffer];
  for (const [descriptor, type] of [
    [primary, 1],
    [joliet, 2],
    [end, 255],
  ] as const) {
    expect(descriptor[0]).toBe(type);
    expect(descriptor.toString('latin1', 1, 6)).toBe('CD001');
    expect(descriptor[6]).toBe(1);
  }
  expect(joliet.toString('latin1', 88, 91)).toBe('%/E');
  const root = (descriptor: Buffer): readonly Record[] => {
    const [at, length] = [both32(descriptor, 158), both32(descriptor, 166)];
    const table = descriptor.readUInt32LE(140) * SECTOR;
    expect(image.readUInt32LE(table + 2)).toBe(at);
    expect(image.readUInt32BE(descriptor.readUInt32BE(148) * SECTOR + 2)).toBe(at);
    const records = readRecords(image, at, length);
    expect(records.slice(0, 2).map(({ name, directory, at: self }) => [name[0], directory, self])).toEqual([
      [0, true, at],
      [1, true, at],
    ]);
    return records;
  };
  const content = ({ at, length }: Record): Buffer => image.subarray(at * SECTOR, at * SECTOR + length);
  const [own, ...rest] = root(primary);
  const files = rest.slice(1);
  const names = files.map(({ name }) => name.toString('latin1'));
  expect(names).toEqual([...names].sort());
  const declared = systemUseEntries(own?.systemUse ?? Buffer.alloc(0));
  const continued = declared.get('CE');
  const extension =
    continued &&
    image.subarray(both32(continued, 4) * SECTOR + both32(continued, 12)).subarray(0, both32(continued, 20));
  return {
    volumeId: primary.toString('latin1', 40, 72).trimEnd(),
    sectors: both32(primary, 80),
    level1: new Map(files.map((file) => [file.name.toString('latin1'), content(file)])),
    rockRidge: new Map(
      files.map((file) => [systemUseEntries(file.systemUse).get('NM')?.toString('latin1', 5) ?? '', content(file)]),
    ),
    joliet: new Map(
      root(joliet)
        .slice(2)
        .map((file) => [bigEndian(file.name), content(file)]),
    ),
    rockRidgeDeclared:
      declared.get('SP')?.subarray(4, 6).toString('hex') === 'beef' &&
      extension?.toString('latin1', 8, 18) === 'RRIP_1991A',
  };
}

const file = (name: string, text: string): IsoFile => ({ name, bytes: Buffer.from(text) });

describe('the CD', () => {
  it('shows ovf-env.xml in every form of name', () => {
    const iso = readIso(buildIso([file('ovf-env.xml', '<Environment/>'), file('user-data', '#cloud-config')]));
    expect(iso).toMatchObject({ volumeId: 'OVF ENV', rockRidgeDeclared: true });
    expect([...iso.level1.keys()]).toEqual(['OVF_ENV.XML;1', 'USER_DAT.;1']);
    expect(iso.rockRidge.get('ovf-env.xml')?.toString()).toBe('<Environment/>');
    expect(iso.joliet.get('ovf-env.xml;1')?.toString()).toBe('<Environment/>');
    expect(iso.joliet.get('user-data;1')?.toString()).toBe('#cloud-config');
  });

  it('carries the volume name cloud-init looks for', () => {
    expect(readIso(buildIso([file('meta-data', '{}')], NO_CLOUD_VOLUME)).volumeId).toBe('cidata');
  });

  it('is the same for the same files', () => {
    const build = (): string => Buffer.from(buildIso([file('a', '1'), file('b', '')])).toString('base64');
    expect(build()).toBe(build());
  });

  it.each([
    [''],
    ['.'],
    ['..'],
    ['/a'],
    ['a//b'],
    ['a/../b'],
    ['a\\\\b'],
    ['a\n'],
    ['a?'],
    [' a'],
    ['a.'],
    ['a\u202eb'],
    ['\ud800'],
    ['x'.repeat(65)],
    ['字'.repeat(60)],
    ['a/b/c/d/e/f/g/h'],
  ])('refuses the name "%s"', (name) => {
    expect(() => buildIso([file(name, '')])).toThrow(Problem);
  });

  it('refuses a name that differs only in case', () => {
    expect(() => buildIso([file('A.xml', ''), file('a.xml', '')])).toThrow(/cannot be the name/);
  });

  it('refuses a file that has the name of a folder', () => {
    expect(() => buildIso([file('a/b', ''), file('A', '')])).toThrow(/another file or folder/);
  });

  it('of any files gives every one of them back', () => {
    const names = fc.uniqueArray(
      fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,40}$/).filter((name) => !name.endsWith('.')),
      {
        maxLength: 60,
        selector: (name) => name.toLowerCase(),
      },
    );
    fc.assert(
      fc.property(names, fc.uint8Array({ maxLength: 5000 }), (given, bytes) => {
        const files = given.map((name, index) => ({ name, bytes: bytes.subarray(index) }));
        const image = buildIso(files);
        const iso = readIso(image);
        expect(iso.sectors * SECTOR).toBe(image.length);
        expect(iso.level1.size).toBe(files.length);
        for (const name of iso.level1.keys()) expect(name).toMatch(/^[A-Z0-9_]{1,8}\.[A-Z0-9_]{0,3};1$/);
        for (const { name, bytes: expected } of files) {
          expect(iso.rockRidge.get(name)?.equals(expected)).toBe(true);
          expect(iso.joliet.get(`${name};1`)?.equals(expected)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  const reader = ['isoinfo', 'xorriso', '7z', 'bsdtar'].find(isInstalled);
  const readers: Readonly<{ [tool: string]: (path: string) => readonly string[] }> = {
    isoinfo: (path) => ['-R', '-f', '-i', path],
    xorriso: (path) => ['-indev', path, '-find', '/'],
    '7z': (path) => ['l', path],
    bsdtar: (path) => ['-tf', path],
  };
  (reader === undefined || reader === '7z' ? it.skip : it)(
    `is read with its folders by ${reader ?? 'isoinfo, xorriso or bsdtar (none is installed)'}`,
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'vep-iso-'));
      try {
        const path = join(folder, 'ovf.iso');
        const names = ['ovf-env.xml', 'ovffiles/setup/cfg one.xml', 'ovffiles/Setup/größe.txt', 'ovffiles/a/b/c/d/e/f'];
        writeFileSync(path, buildIso(names.map((name) => file(name, `of ${name}`))));
        const tool = reader ?? '';
        const listed = execFileSync(tool, readers[tool]?.(path) ?? [], { encoding: 'utf8' });
        for (const name of [names[0], names[1], 'ovffiles/setup/größe.txt', names[3]]) expect(listed).toContain(name);
        if (tool === 'isoinfo')
          for (const [flag, version] of [
            ['-R', ''],
            ['-J', ';1'],
          ] as const) {
            const args = [flag, '-i', path, '-x', `/ovffiles/setup/cfg one.xml${version}`];
            expect(execFileSync(tool, args, { encoding: 'utf8' })).toBe('of ovffiles/setup/cfg one.xml');
          }
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );

  (reader ? it : it.skip)(`is read by ${reader ?? 'isoinfo, xorriso, 7z or bsdtar (none is installed)'}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'vep-iso-'));
    try {
      const path = join(folder, 'ovf.iso');
      writeFileSync(path, buildIso([file('ovf-env.xml', '<Environment/>')]));
      const tool = reader ?? '';
      expect(execFileSync(tool, readers[tool]?.(path) ?? [], { encoding: 'utf8' })).toContain('ovf-env.xml');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

function isInstalled(tool: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
