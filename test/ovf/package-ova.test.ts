import { createHash, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';

import { pack, type Header } from 'tar-stream';

import { Problem } from '../../src/base/errors.js';
import { checkCompleteness } from '../../src/ovf/package/completeness.js';
import { readOva } from '../../src/ovf/package/ova.js';
import { PACKAGE_LIMITS, type MemberSink, type PackageLimits, type ReadPackage } from '../../src/ovf/package/reader.js';
import type { Mode } from '../../src/ovf/envelope/findings.js';
import { descriptor, judge } from './envelope-support.js';

type Member = readonly [name: string, content: string | Buffer, header?: Partial<Header>];

const OVF: Member = ['shop.ovf', descriptor()];
const VMDK: Member = ['disk1.vmdk', 'x'.repeat(100)];
const digest = (algorithm: string, [, content]: Member): string => createHash(algorithm).update(content).digest('hex');
const line = (algorithm: string, member: Member): string =>
  `${algorithm.toUpperCase()}(${member[0]})= ${digest(algorithm, member)}\n`;

async function tar(...members: readonly Member[]): Promise<Buffer> {
  const archive = pack();
  for (const [name, content, header] of members) archive.entry({ name, ...header }, content);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function* inChunks(bytes: Buffer, size = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

class Store implements MemberSink {
  readonly files = new Map<string, string>();
  readonly ended: string[] = [];

  open(name: string, size: number): ReturnType<MemberSink['open']> {
    this.files.set(name, '');
    this.ended.push(`open ${name} ${size}`);
    return Promise.resolve({
      write: (bytes) => {
        this.files.set(name, this.files.get(name) + Buffer.from(bytes).toString());
        return Promise.resolve();
      },
      close: () => {
        this.ended.push(`close ${name}`);
        return Promise.resolve({});
      },
      abort: () => {
        this.ended.push(`abort ${name}`);
        return Promise.resolve();
      },
    });
  }
}

function read(
  bytes: Buffer,
  mode: Mode = 'strict',
  limits: Partial<PackageLimits> = {},
  sink: MemberSink = new Store(),
): Promise<ReadPackage> {
  return readOva(inChunks(bytes), sink, { mode, limits: { ...PACKAGE_LIMITS, ...limits } });
}

async function problemOf(work: Promise<unknown>): Promise<Problem> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof Problem)) throw new Error(`no problem but ${String(error)}`);
  return error;
}

describe('an OVA', () => {
  it('gives descriptor, manifest and digests, and hands everything else to the sink', async () => {
    const store = new Store();
    const ova = await read(
      await tar(OVF, ['shop.mf', line('sha256', OVF) + line('sha256', VMDK)], VMDK),
      'strict',
      {},
      store,
    );
    expect(ova).toMatchObject({
      descriptor: { name: 'shop.ovf', bytes: Buffer.from(OVF[1]) },
      signature: { status: 'unsigned' },
      members: [
        { name: 'shop.ovf' },
        { name: 'shop.mf' },
        { name: 'disk1.vmdk', size: 100, digests: { sha256: digest('sha256', VMDK) } },
      ],
      findings: [],
    });
    expect(ova.manifest?.entries.get('disk1.vmdk')).toMatchObject({ algorithm: 'sha256', line: 2 });
    expect([...store.files]).toEqual([['disk1.vmdk', VMDK[1]]]);
    expect(store.ended).toEqual(['open disk1.vmdk 100', 'close disk1.vmdk']);
  });

  it.each(['sha1', 'sha256', 'sha384', 'sha512'])(
    'O-026 checks %s digests of a manifest that comes last',
    async (algorithm) => {
      const good = await read(
        await tar(OVF, VMDK, ['shop.mf', line(algorithm, OVF) + line(algorithm, VMDK)]),
        'lenient',
      );
      expect(good.members[1]?.digests).toHaveProperty(algorithm, digest(algorithm, VMDK));
      const bad = await problemOf(
        read(await tar(OVF, ['disk1.vmdk', 'y'], ['shop.mf', line(algorithm, VMDK)]), 'lenient'),
      );
      expect(bad).toMatchObject({
        kind: 'malformed',
        faults: [{ code: 'ovf.O-026', place: { field: 'shop.mf', line: 1 }, value: 'disk1.vmdk' }],
      });
    },
  );

  it('O-026 checks digests of a manifest that comes first', async () => {
    const ova = await read(await tar(OVF, ['shop.mf', line('sha1', VMDK)], VMDK), 'lenient');
    expect(ova.members[2]?.digests).toEqual({ sha1: digest('sha1', VMDK), sha256: digest('sha256', VMDK) });
    expect(
      (await problemOf(read(await tar(OVF, ['shop.mf', line('sha1', VMDK)], ['disk1.vmdk', 'y'])))).faults[0]?.code,
    ).toBe('ovf.O-026');
  });

  it.each(['first', 'last'])('O-026 holds files in a folder to a manifest that comes %s', async (at) => {
    const inside = ([name, content]: Member): Member => [`pkg/${name}`, content];
    const manifest: Member = ['pkg/shop.mf', line('sha1', OVF) + line('sha1', VMDK)];
    const packed = (disk: Member): Promise<Buffer> =>
      at === 'first' ? tar(inside(OVF), manifest, inside(disk)) : tar(inside(OVF), inside(disk), manifest);
    const ova = await read(await packed(VMDK), 'lenient');
    const { envelope } = judge(descriptor(), 'strict');
    expect(envelope && checkCompleteness(envelope, { ...ova, descriptor: ova.descriptor.name }, 'strict')).toEqual([]);
    const { faults } = await problemOf(read(await packed(['disk1.vmdk', 'y']), 'lenient'));
    expect(faults).toMatchObject([{ code: 'ovf.O-026', value: 'disk1.vmdk' }]);
  });

  it('unwraps gzip', async () => {
    expect((await read(gzipSync(await tar(OVF, VMDK)))).members).toHaveLength(2);
  });

  it('O-021 wants the descriptor first', async () => {
    const bytes = await tar(VMDK, OVF);
    expect((await problemOf(read(bytes))).faults).toMatchObject([{ code: 'ovf.O-021' }]);
    expect((await read(bytes, 'lenient')).findings).toMatchObject([{ code: 'ovf.O-021', severity: 'warning' }]);
  });

  it('O-022 wants exactly one descriptor', async () => {
    expect((await problemOf(read(await tar(OVF, ['other.ovf', '<a/>'])))).faults).toMatchObject([
      { code: 'ovf.O-022' },
    ]);
    expect((await problemOf(read(await tar(VMDK), 'lenient'))).faults).toMatchObject([{ code: 'ovf.O-022' }]);
  });

  it('wants at most one manifest, and with a certificate one', async () => {
    expect((await problemOf(read(await tar(OVF, ['a.mf', ''], ['b.mf', ''])))).faults).toMatchObject([
      { code: 'ovf.O-025' },
    ]);
    expect((await problemOf(read(await tar(OVF, ['a.cert', ''])))).faults).toMatchObject([{ code: 'ovf.O-031' }]);
  });

  const tricks: readonly [string, Member][] = [
    ['a path that leaves the package', ['../evil', 'x']],
    ['a path that leaves the package from within', ['a/../../evil', 'x']],
    ['an absolute path', ['/etc/cron.d/evil', 'x']],
    ['a drive letter', ['C:/evil', 'x']],
    ['a backslash', ['a\\..\\evil', 'x']],
    ['a symbolic link', ['link', '', { type: 'symlink', linkname: '/etc' }]],
    ['a hard link', ['link', '', { type: 'link', linkname: '/etc/passwd' }]],
    ['a device', ['dev', '', { type: 'character-device', devmajor: 1, devminor: 3 }]],
    ['a FIFO', ['pipe', '', { type: 'fifo' }]],
    ['a second member of one name', ['./shop.ovf', 'x']],
    ['an empty name', ['./', 'x']],
  ];
  it.each(tricks)('O-023, S-096 refuses %s, and hands nothing on after it', async (_name, member) => {
    const store = new Store();
    const problem = await problemOf(read(await tar(OVF, member, VMDK), 'strict', {}, store));
    expect(problem).toMatchObject({
      kind: 'malformed',
      faults: [{ code: 'ovf.O-023', rule: expect.stringContaining('O-023') }],
    });
    expect(store.files.size).toBe(0);
  });

  it('O-023 skips a directory in lenient mode', async () => {
    const bytes = await tar(OVF, ['images', '', { type: 'directory' }], ['images/a.vmdk', 'x']);
    expect((await read(bytes, 'lenient')).members.map((member) => member.name)).toEqual(['shop.ovf', 'images/a.vmdk']);
    expect((await problemOf(read(bytes))).faults).toMatchObject([{ code: 'ovf.O-023' }]);
  });

  it('tells all tricks of an archive at once', async () => {
    const problem = await problemOf(
      read(await tar(OVF, ['../a', ''], ['/b', ''], ['l', '', { type: 'symlink', linkname: 'x' }])),
    );
    expect(problem.faults.map((fault) => fault.value)).toEqual(['../a', '/b', 'l']);
  });

  it.each<[string, Partial<PackageLimits>]>([
    ['too many members', { members: 1 }],
    ['too many bytes', { bytes: 4096 }],
    ['a descriptor that is too large', { descriptorBytes: 10 }],
    ['a manifest that is too large', { manifestBytes: 10 }],
  ])('O-024 stops at %s', async (_name, limits) => {
    const problem = await problemOf(read(await tar(OVF, ['shop.mf', line('sha256', OVF)], VMDK), 'lenient', limits));
    expect(problem).toMatchObject({ kind: 'too-large', faults: [{ code: 'ovf.O-024' }] });
  });

  it('O-024, S-096 stops a gzip bomb', async () => {
    const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024));
    const problem = await problemOf(read(bomb));
    expect(problem).toMatchObject({
      kind: 'too-large',
      faults: [{ code: 'ovf.O-024', message: expect.stringContaining('500-fold') }],
    });
  });

  it('takes a gzipped disk of which most is empty', async () => {
    const disk = Buffer.concat([randomBytes(200_000), Buffer.alloc(80 * 1024 * 1024)]);
    const archive = gzipSync(await tar(OVF, ['disk1.vmdk', disk]));
    expect(disk.length / archive.length).toBeGreaterThan(200);
    const sink: MemberSink = {
      open: () =>
        Promise.resolve({
          write: () => Promise.resolve(),
          close: () => Promise.resolve({}),
          abort: () => Promise.resolve(),
        }),
    };
    expect((await read(archive, 'strict', {}, sink)).members[1]?.size).toBe(disk.length);
  });

  it('refuses an archive that breaks off, and aborts the member that was open', async () => {
    const store = new Store();
    const bytes = await tar(OVF, ['disk1.vmdk', 'x'.repeat(5000)]);
    const problem = await problemOf(read(bytes.subarray(0, bytes.length - 4096), 'strict', {}, store));
    expect(problem).toMatchObject({
      kind: 'malformed',
      faults: [{ code: 'ovf.O-023', message: expect.stringContaining('cannot be read') }],
    });
    expect(store.ended).toEqual(['open disk1.vmdk 5000', 'abort disk1.vmdk']);
  });

  it.each([
    ['no tar', Buffer.alloc(2048, 'x')],
    ['an image', Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(3000, 7)])],
    ['broken gzip', Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.alloc(600, 9)])],
    ['cut-off gzip', gzipSync(Buffer.alloc(100_000, 'ab')).subarray(0, 60)],
    ['one byte', Buffer.from([0x1f])],
    ['nothing', Buffer.alloc(0)],
  ])('refuses %s', async (_name, bytes) => {
    expect((await problemOf(read(bytes))).kind).toBe('malformed');
  });

  it('lets errors of the source and of the sink through as they are', async () => {
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield (await tar(OVF)).subarray(0, 600);
      throw new Error('the line dropped');
    };
    await expect(readOva(broken(), new Store(), { mode: 'strict' })).rejects.toThrow('the line dropped');
    const full: MemberSink = { open: () => Promise.reject(new Error('no space left')) };
    await expect(read(await tar(OVF, VMDK), 'strict', {}, full)).rejects.toThrow('no space left');
  });
});

describe('the completeness of a package', () => {
  const file = (attributes: string): string =>
    `<References><File ovf:id="file1" ovf:href="disk1.vmdk" ${attributes}/></References>`;
  const check = (
    references: string,
    members: readonly (readonly [string, number])[],
    mode: Mode = 'strict',
    manifest?: ReadPackage['manifest'],
  ): readonly string[] => {
    const { envelope } = judge(descriptor({ references }), 'lenient');
    if (envelope === undefined) throw new Error('no envelope');
    const contents = {
      descriptor: 'shop.ovf',
      members: members.map(([name, size]) => ({ name, size })),
      ...(manifest === undefined ? {} : { manifest }),
    };
    return checkCompleteness(envelope, contents, mode).map((fault) => `${fault.severity} ${fault.code}`);
  };

  it('finds nothing wrong with a whole package', async () => {
    const ova = await read(await tar(OVF, ['shop.mf', line('sha256', OVF) + line('sha256', VMDK)], VMDK));
    const { envelope } = judge(descriptor(), 'strict');
    expect(envelope && checkCompleteness(envelope, { ...ova, descriptor: ova.descriptor.name }, 'strict')).toEqual([]);
  });

  it.each<[string, string, readonly (readonly [string, number])[], readonly string[]]>([
    ['O-013 a file that is not there', 'ovf:size="5"', [], ['error ovf.O-013']],
    ['O-017 a file of another size', 'ovf:size="5"', [['disk1.vmdk', 6]], ['error ovf.O-017']],
    [
      'O-020 a file of nobody',
      '',
      [
        ['disk1.vmdk', 6],
        ['x.iso', 1],
      ],
      ['warning ovf.O-020'],
    ],
    [
      'O-019 whole chunks',
      'ovf:size="25" ovf:chunkSize="10"',
      [
        ['disk1.vmdk.000000000', 10],
        ['disk1.vmdk.000000001', 10],
        ['disk1.vmdk.000000002', 5],
      ],
      [],
    ],
    ['O-019 a missing chunk', 'ovf:size="25" ovf:chunkSize="10"', [['disk1.vmdk.000000000', 10]], ['error ovf.O-019']],
    ['O-019 no chunk at all', 'ovf:chunkSize="10"', [], ['error ovf.O-019']],
    [
      'O-019 a chunk in the middle that is too short',
      'ovf:chunkSize="10"',
      [
        ['disk1.vmdk.000000000', 9],
        ['disk1.vmdk.000000001', 10],
      ],
      ['error ovf.O-019'],
    ],
    [
      'O-019 a chunk missing between others',
      'ovf:chunkSize="10"',
      [
        ['disk1.vmdk.000000000', 10],
        ['disk1.vmdk.000000002', 5],
      ],
      ['error ovf.O-019'],
    ],
    [
      'O-019 a chunk missing at the beginning',
      'ovf:size="5" ovf:chunkSize="10"',
      [['disk1.vmdk.000000001', 5]],
      ['error ovf.O-019'],
    ],
    [
      'O-019 a chunk too many',
      'ovf:size="20" ovf:chunkSize="10"',
      [
        ['disk1.vmdk.000000001', 10],
        ['disk1.vmdk.000000000', 10],
        ['disk1.vmdk.000000002', 0],
      ],
      ['error ovf.O-019'],
    ],
    [
      'O-013 chunks of a file that is to be whole',
      '',
      [['disk1.vmdk.000000000', 10]],
      ['warning ovf.O-020', 'error ovf.O-013'],
    ],
    [
      'O-019 chunks of another sum',
      'ovf:size="15" ovf:chunkSize="10"',
      [
        ['disk1.vmdk.000000000', 10],
        ['disk1.vmdk.000000001', 6],
      ],
      ['error ovf.O-019'],
    ],
  ])('%s', (_name, attributes, members, expected) => {
    expect(check(file(attributes), members)).toEqual(expected);
  });

  it('O-019 misses a last chunk that only the manifest tells of', () => {
    const entry = { file: '', algorithm: 'sha256', digest: '', line: 1 } as const;
    const listing = (...names: string[]): ReadPackage['manifest'] => ({
      entries: new Map(['shop.ovf', ...names].map((name) => [name, entry])),
    });
    const chunk = (number: number): string => `disk1.vmdk.00000000${number}`;
    const one = [[chunk(0), 10]] as const;
    expect(check(file('ovf:chunkSize="10"'), one, 'lenient', listing(chunk(0)))).toEqual([]);
    expect(check(file('ovf:chunkSize="10"'), one, 'lenient', listing(chunk(0), chunk(1)))).toContain('error ovf.O-019');
  });

  it('leaves files elsewhere to whoever fetches them', () => {
    expect(check('<References><File ovf:id="file1" ovf:href="https://example.org/d.vmdk"/></References>', [])).toEqual(
      [],
    );
  });

  it('O-027, O-028 compares the manifest with the References', () => {
    const entry = { file: 'other', algorithm: 'sha256', digest: '', line: 1 } as const;
    const manifest = { entries: new Map([['other', entry]]) };
    expect(check(file(''), [['disk1.vmdk', 1]], 'strict', manifest)).toEqual([
      'warning ovf.O-027',
      'error ovf.O-027',
      'error ovf.O-028',
    ]);
    expect(check(file(''), [['disk1.vmdk', 1]], 'lenient', manifest)).toEqual([
      'warning ovf.O-027',
      'warning ovf.O-027',
      'warning ovf.O-028',
    ]);
  });
});
