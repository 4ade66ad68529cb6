import fc from 'fast-check';

import { Findings, type Mode } from '../../src/ovf/envelope/findings.js';
import { safeHref, unsafePath } from '../../src/ovf/envelope/href.js';
import { parseManifest, type DigestAlgorithm, type ManifestEntry } from '../../src/ovf/package/manifest.js';

const SHA1 = 'c3bd2579c2edc76ea35b5bde7d4f4e41eab08963';
const SHA256 = 'a'.repeat(64);

function parse(text: string, mode: Mode = 'lenient'): { entries: readonly ManifestEntry[]; codes: readonly string[] } {
  const findings = new Findings(mode);
  const manifest = parseManifest(Buffer.from(text), 'x.mf', findings);
  return {
    entries: [...manifest.entries.values()],
    codes: findings.list().map((fault) => `${fault.severity} ${fault.code}`),
  };
}

describe('the manifest', () => {
  it.each([
    ['as the standard has it', `SHA1(input.ovf)= ${SHA1}\n`],
    ['in the spelling of BSD', `SHA1 (input.ovf) = ${SHA1}\n`],
    ['in capitals, with CRLF and blank lines', `\r\nSHA1(input.ovf)= ${SHA1.toUpperCase()}\r\n\r\n`],
    ['without final newline', `SHA1(input.ovf)=${SHA1}`],
    ['after a byte order mark', `\ufeffSHA1(input.ovf)= ${SHA1}`],
  ])('O-025 reads a line %s', (_name, text) => {
    expect(parse(text)).toMatchObject({
      entries: [{ file: 'input.ovf', algorithm: 'sha1', digest: SHA1 }],
      codes: ['warning ovf.O-029'],
    });
  });

  it('reads names with brackets and blanks', () => {
    expect(parse(`SHA256(disk (1).vmdk)= ${SHA256}`).entries).toMatchObject([
      { file: 'disk (1).vmdk', algorithm: 'sha256' },
    ]);
  });

  it.each([
    ['no digest', 'SHA1(a)='],
    ['no algorithm', `(a)= ${SHA1}`],
    ['no name', `SHA1()= ${SHA1}`],
    ['an unknown algorithm', `MD5(a)= ${SHA1}`],
    ['a digest that is too short', `SHA256(a)= ${SHA1}`],
    ['something else', 'hello'],
  ])('O-025 reports a line with %s', (_name, text) => {
    expect(parse(text)).toEqual({ entries: [], codes: ['error ovf.O-025'] });
  });

  it('O-025 names the token that other tools refuse', () => {
    const findings = new Findings('lenient');
    parseManifest(Buffer.from(`SHA2-256(a)= ${SHA256}`), 'x.mf', findings);
    expect(findings.list()).toMatchObject([
      { severity: 'warning', value: 'SHA2-256', message: expect.stringContaining('read as sha256') },
    ]);
    expect(parse(`SHA-256(a)= ${SHA256}`, 'strict').codes).toEqual(['error ovf.O-025']);
  });

  it('O-025 reports a file listed twice with different digests', () => {
    expect(parse(`SHA256(a)= ${SHA256}\nSHA256(a)= ${'b'.repeat(64)}`).codes).toEqual(['error ovf.O-025']);
  });

  it('reads back what it is written from', () => {
    const lengths: Record<DigestAlgorithm, number> = { sha1: 40, sha256: 64, sha384: 96, sha512: 128 };
    const entry = fc
      .tuple(
        fc.constantFrom(...(Object.keys(lengths) as DigestAlgorithm[])),
        fc.stringMatching(/^[a-z ().=_-]{1,20}$/),
        fc.constantFrom(...'0123456789abcdef'),
      )
      .map(([algorithm, file, digit]) => ({ algorithm, file, digest: digit.repeat(lengths[algorithm]) }));
    fc.assert(
      fc.property(fc.uniqueArray(entry, { selector: (one) => one.file }), (entries) => {
        const text = entries.map((one) => `${one.algorithm.toUpperCase()}(${one.file})= ${one.digest}\n`).join('');
        expect(
          parse(text, 'strict').entries.map(({ algorithm, file, digest }) => ({ algorithm, file, digest })),
        ).toEqual(entries);
      }),
      { numRuns: 100, seed: 5 },
    );
  });

  it('never crashes', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (text) => {
        parse(text);
      }),
      { numRuns: 200, seed: 6 },
    );
  });
});

describe('O-015 an href', () => {
  it.each([
    ['disk.vmdk', 'disk.vmdk'],
    ['./a/../b'.replace('../', ''), 'a/b'],
    ['disk%20one.vmdk', 'disk one.vmdk'],
    ['a//b/./c', 'a/b/c'],
    ['...', '...'],
  ])('%s is a file of the package', (href, path) => {
    expect(safeHref(href)).toEqual({ kind: 'member', path });
  });

  it.each(['http://example.org/disk.vmdk', 'HTTPS://example.org/a?b=c'])('%s is a file elsewhere', (href) => {
    expect(safeHref(href)).toEqual({ kind: 'url', url: new URL(href).href });
  });

  it.each([
    '',
    '.',
    '/etc/passwd',
    '//host/share',
    '..',
    'a/../../b',
    '%2e%2e/b',
    'a/%2E%2E/%2e%2e/b',
    '%2fetc/passwd',
    'a\\b',
    '\\\\host\\share',
    'C:/windows',
    'c:evil',
    'file:///etc/passwd',
    'FILE:x',
    'ftp://x/y',
    'javascript:alert(1)',
    'data:text/plain,x',
    'a%00b',
    'a\nb',
    'a%0d%0ab',
    '100%',
    'url%24encoded%a.ovf',
    'http://user:pw@host/x',
    'http://',
    'http://exa mple/x',
    'a'.repeat(2000),
  ])('%j is refused', (href) => {
    expect(safeHref(href)).toMatchObject({ kind: 'unsafe', reason: expect.stringMatching(/^(it|the) /) });
  });

  it('never yields a path that leaves the package', () => {
    const step = fc.constantFrom(
      'a',
      '.',
      '..',
      '%2e',
      '%2E%2e',
      '',
      '/',
      '\\',
      '%2f',
      '%5c',
      ':',
      'C:',
      '%00',
      '~',
      '%25%32%65',
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 8 }).map((steps) => steps.join('/')),
        (text) => {
          const href = safeHref(text);
          if (href.kind !== 'member') return;
          expect(unsafePath(href.path)).toBeUndefined();
          expect(href.path.split('/')).not.toContain('..');
          expect(href.path).not.toMatch(/^\/|\\|^$/);
        },
      ),
      { numRuns: 500, seed: 8 },
    );
  });
});
