/** The reader of tar archives, against archives that another program packs and against headers that lie. */

import fc from 'fast-check';
import { Problem } from '../../src/base/errors.js';
import { readTar } from '../../src/ovf/package/tar.js';
import { END, file, header, inChunks, padded, packed, pax, type Entry } from './tar-support.js';

async function read(bytes: Buffer, size = 1000): Promise<{ name: string; type: string; text: string }[]> {
  const entries = [];
  for await (const { name, type, bytes: content } of readTar(inChunks(bytes, size))) {
    let text = '';
    for await (const chunk of content) text += Buffer.from(chunk).toString('latin1');
    entries.push({ name, type, text });
  }
  return entries;
}

async function refusalOf(bytes: Buffer): Promise<string> {
  const error: unknown = await read(bytes).catch((thrown: unknown) => thrown);
  if (!(error instanceof Problem)) throw new Error(`not refused but ${JSON.stringify(error)}`);
  return error.faults[0]?.message ?? '';
}

describe('readTar', () => {
  it('reads what tar-stream packs, in chunks of any size', async () => {
    const name = fc.string({ minLength: 1, maxLength: 180, unit: fc.constantFrom('a', 'b', 'ü', '-', '/x', '.') });
    const entry = fc.tuple(
      name.map((each) => ({ name: each.replace(/\/+$/, 'x') })),
      fc.string({ maxLength: 2000, unit: fc.constantFrom('x', 'y') }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 6 }), fc.integer({ min: 1, max: 3000 }), async (entries, size) => {
        const archive = await packed(entries);
        const expected = entries.map(([{ name: each }, text]) => ({ name: each, type: 'file', text }));
        expect(await read(archive, Math.max(size, archive.length >> 8))).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it('tells everything apart that is no plain file', async () => {
    const types = ['file', 'directory', 'symlink', 'link', 'character-device', 'block-device', 'fifo'] as const;
    const entries = types.map((type): Entry => [{ name: type, type, linkname: 'x' }, '']);
    expect((await read(await packed(entries))).map(({ type }) => type)).toEqual([
      'file',
      'directory',
      'symbolic link',
      'hard link',
      'device',
      'device',
      'fifo',
    ]);
    const sparse = Buffer.concat([
      file('x', { type: 'S' }),
      pax({ 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '999999999999' }),
      file('y'),
      file('z', { type: 'V' }),
      END,
    ]);
    expect((await read(sparse)).map(({ type }) => type)).toEqual(['sparse', 'sparse', 'unknown']);
  });

  it('reads long names of GNU and pax, sizes in base 256 and in pax, and archives of before ustar', async () => {
    const long = `${'d/'.repeat(100)}end`;
    const gnu = Buffer.concat([
      file(`${long}\0`, { type: 'L', name: '././@LongLink', magic: 'ustar  \0' }),
      file('one'),
    ]);
    const size = Buffer.alloc(12);
    size[0] = 0x80;
    size[11] = 3;
    const parts = [
      gnu,
      pax({ path: `p/${long}`, size: '3' }),
      Buffer.concat([header({}), padded('two')]),
      file('six', { size }),
      file('old', { magic: '' }),
      file('', { name: 'folder/', magic: '' }),
      pax({ comment: 'nothing' }, 'g'),
      file('end'),
      END,
    ];
    expect(await read(Buffer.concat(parts), 77)).toEqual([
      { name: long, type: 'file', text: 'one' },
      { name: `p/${long}`, type: 'file', text: 'two' },
      { name: 'a', type: 'file', text: 'six' },
      { name: 'a', type: 'file', text: 'old' },
      { name: 'folder/', type: 'directory', text: '' },
      { name: 'a', type: 'file', text: 'end' },
    ]);
  });

  it('ends at the end mark or, where that is missing, with the source, and passes over what is not asked for', async () => {
    const two = [file('one'), file('two')];
    expect(await read(Buffer.concat(two))).toHaveLength(2);
    expect(await read(Buffer.concat([...two, END, Buffer.alloc(10_240, 'hidden')]))).toHaveLength(2);
    const names = [];
    for await (const { name } of readTar(inChunks(Buffer.concat([...two, END]), 600))) names.push(name);
    expect(names).toEqual(['a', 'a']);
    expect(await read(END)).toEqual([]);
  });

  it.each<[string, Buffer, string]>([
    ['nothing', Buffer.alloc(0), 'ends where a header should be'],
    ['no tar', Buffer.alloc(2048, 'x'), 'does not begin with a header'],
    ['a wrong sum', Buffer.concat([file('one'), Buffer.alloc(512, 1)]), 'header is damaged (byte 1024)'],
    ['a negative size', header({ size: Buffer.alloc(12, 0xff) }), 'no legal size'],
    ['a size that is no number', header({ size: '12x' }), 'no legal size'],
    ['a size beyond all measure', header({ size: Buffer.from('80ffffffffffffffffffffff', 'hex') }), 'no legal size'],
    ['a size that is larger than what follows', header({ size: '77777777777\0' }), 'ends within a member'],
    [
      'a pax size that is no number',
      Buffer.concat([pax({ size: '-1' }), file('x'), END]),
      'pax header has no legal size',
    ],
    [
      'a pax header that breaks off',
      Buffer.concat([pax({ path: 'x' }).subarray(0, 512), Buffer.alloc(512)]),
      'cannot be read',
    ],
    ['a huge pax header', header({ type: 'x', size: '77777777777\0' }), 'kind x has'],
    ['a huge long name', header({ type: 'L', size: '00001000000\0' }), 'kind L has'],
    ['a global name', Buffer.concat([pax({ path: 'x' }, 'g'), file('x'), END]), 'one name or size'],
    ['a header of nothing', Buffer.concat([pax({ path: 'x' })]), 'ends where a header should be'],
    ['half a header', file('one').subarray(0, 100), 'ends where a header should be'],
  ])('O-023 refuses %s, with the place', async (_what, bytes, message) => {
    expect(await refusalOf(bytes)).toContain(message);
    expect(await refusalOf(bytes)).toMatch(/\(byte \d+\)$/);
  });

  it('lets errors of the source through as they are', async () => {
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(file('one'));
      throw new Error('the line dropped');
    };
    const reading = async (): Promise<void> => {
      for await (const entry of readTar(source())) void entry;
    };
    await expect(reading()).rejects.toThrow('the line dropped');
  });
});
