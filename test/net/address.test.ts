/** Which addresses and URLs the dialler reaches before it has asked anybody (S-091, S-092). */

import fc from 'fast-check';
import { Problem } from '../../src/base/errors.js';
import { AllowList, isPublicAddress } from '../../src/net/address.js';
import { checkAddresses, checkUrl } from '../../src/net/target.js';

const nobody = new AllowList([]);

function refusalOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.faults[0]?.code;
  }
}

describe('isPublicAddress', () => {
  it.each(['1.1.1.1', '93.184.216.34', '2606:4700:4700::1111', '2a00:1450:4001:830::200e'])(
    '%s is public',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  it.each([
    ...['0.0.0.0', '10.0.0.1', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254', '172.16.0.1'],
    ...['192.0.0.1', '192.0.2.1', '192.168.1.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1'],
    ...['255.255.255.255', '::', '::1', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:0:127.0.0.1'],
    ...[
      '64:ff9b::7f00:1',
      '64:ff9b::8.8.8.8',
      '64:ff9b:1::7f00:1',
      '100::1',
      '2001::1',
      '2001:db8::1',
      '2002:7f00:1::',
    ],
    ...[
      'fc00::1',
      'fd12:3456::1',
      'fe80::1',
      'fe80::1%eth0',
      'fec0::1',
      'ff02::1',
      'example.org',
      '127.1',
      '0x7f000001',
      '',
    ],
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('checkUrl', () => {
  it.each([
    ...[
      'http://127.0.0.1/',
      'http://2130706433/',
      'http://0177.0.0.1/',
      'http://0x7f.1/',
      'http://127.1/',
      'http://0/',
    ],
    ...['http://１２７.０.０.１/', 'http://①②⑦.⓪.⓪.①/', 'http://[::]/', 'http://[::1]/', 'http://[::ffff:127.0.0.1]/'],
    ...[
      'http://[::ffff:7f00:1]/',
      'http://[64:ff9b::7f00:1]/',
      'http://localhost/',
      'http://localhost./',
      'http://LOCALHOST/',
    ],
    ...[
      'http://a.localhost/',
      'http://169.254.169.254/latest/meta-data/',
      'http://127.0.0.1./',
      'http://%31%32%37.0.0.1/',
    ],
  ])('S-091 refuses %s', (url) => {
    expect(refusalOf(() => checkUrl(url, nobody))).toBe('net.address');
  });

  it.each([
    ['file:///etc/passwd', 'net.scheme'],
    ['ftp://example.org/a', 'net.scheme'],
    ['gopher://example.org/', 'net.scheme'],
    ['data:text/plain,a', 'net.scheme'],
    ['//example.org/a', 'net.url'],
    ['example.org/a', 'net.url'],
    ['', 'net.url'],
    ['http:///', 'net.url'],
    ['http://example.org\\@127.0.0.1/', 'net.url'],
    ['http://exam\tple.org/', 'net.url'],
    ['http://example.org/a\r\nHost: b', 'net.url'],
    ['http://user@example.org/', 'net.credentials-in-url'],
    ['http://user:secret@example.org/', 'net.credentials-in-url'],
    ['http://1.1.1.1:22/', 'net.port'],
    ['http://1.1.1.1:6379/', 'net.port'],
  ])('S-092 refuses %j as %s', (url, code) => {
    expect(refusalOf(() => checkUrl(url, nobody))).toBe(code);
  });

  it('does not repeat credentials in its refusal', () => {
    for (const url of [
      'http://user:secret@example.org/',
      'ftp://user:secret@example.org/',
      'http://user:secret@a b/',
    ]) {
      try {
        checkUrl(url, nobody);
        throw new Error('accepted');
      } catch (error) {
        expect(error).toBeInstanceOf(Problem);
        expect(JSON.stringify((error as Problem).faults)).not.toContain('secret');
      }
    }
  });

  it('S-092 refuses a port of a name before it is resolved, unless addresses are listed for it', () => {
    for (const port of [22, 25, 6379]) {
      const url = `http://example.org:${port}/`;
      expect(refusalOf(() => checkUrl(url, nobody))).toBe('net.port');
      expect(refusalOf(() => checkUrl(url, new AllowList(['10.0.0.0/8:443', 'example.com'])))).toBe('net.port');
      for (const entry of [`10.0.0.0/8:${port}`, `example.org:${port}`])
        expect(refusalOf(() => checkUrl(url, new AllowList([entry])))).toBeUndefined();
    }
  });

  it.each([22, 25, 6379])('S-092 refuses port %d of a public name once it is resolved', (port) => {
    expect(refusalOf(() => checkAddresses('example.org', port, ['1.1.1.1'], nobody))).toBe('net.port');
  });

  it('S-093 refuses a name with one public and one private address', () => {
    expect(refusalOf(() => checkAddresses('example.org', 80, ['1.1.1.1', '10.0.0.1'], nobody))).toBe('net.address');
    expect(refusalOf(() => checkAddresses('example.org', 80, [], nobody))).toBe('net.address');
    expect(
      refusalOf(() => checkAddresses('example.org', 80, ['1.1.1.1', '2606:4700:4700::1111'], nobody)),
    ).toBeUndefined();
  });

  it('never throws anything but a Problem, and never lets a non-public literal through', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.ipV4().map((ip) => `http://${ip}/`),
          fc.ipV6().map((ip) => `http://[${ip}]/`),
        ),
        (text) => {
          if (refusalOf(() => checkUrl(text, nobody)) !== undefined) return;
          const host = new URL(text).hostname.replace(/^\[|\]$/g, '');
          if (/^[\d.]+$/.test(host) || host.includes(':')) expect(isPublicAddress(host)).toBe(true);
        },
      ),
    );
  });
});

describe('AllowList', () => {
  const list = new AllowList(['images.test', '10.1.0.0/16', '127.0.0.1:9000', '[fd00::1]:8443', 'fd00:1::/32']);

  it.each([
    ['10.1.2.3', 80, true],
    ['10.1.2.3', 8000, true],
    ['10.1.2.3', 22, false],
    ['10.2.0.1', 80, false],
    ['127.0.0.1', 9000, true],
    ['127.0.0.1', 9001, false],
    ['::ffff:10.1.2.3', 80, true],
    ['fd00::1', 8443, true],
    ['fd00::1', 443, false],
    ['fd00:1::7', 443, true],
    ['nonsense', 80, false],
  ])('address %s port %d: %s', (address, port, expected) => {
    expect(list.permitsAddress(address, port)).toBe(expected);
  });

  it('permits a name whatever it resolves to, on web ports', () => {
    expect(list.permitsName('images.test', 8080)).toBe(true);
    expect(list.permitsName('images.test', 25)).toBe(false);
    expect(list.permitsName('other.test', 80)).toBe(false);
  });

  it.each(['', 'a b', '10.0.0.0/99', 'http://x/', '[::1', 'x:y'])('refuses the entry %j', (entry) => {
    expect(refusalOf(() => new AllowList([entry]))).toBe('net.allow-entry');
  });
});
