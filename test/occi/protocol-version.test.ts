/** Which version a request is answered in: GFD.223 §5.3, `spec/occi.md` §1.2 and §5.6. */

import { requestedVersion } from '../../src/occi/protocol-version.js';

describe('requestedVersion', () => {
  it.each([
    ['rOCCI-core/4.3.6 rOCCI-api/4.3.15 OCCI/1.1 linux', '1.1'],
    ['client/1.0 (linux) OCCI/1.2', '1.2'],
    ['OCCI/1.1 OCCI/1.2', '1.2'],
    ['OCCI/1.2 OCCI/1.1', '1.2'],
    ['OCCI/1.0', '1.1'],
    ['OCCI/0.9', '1.1'],
    ['OCCI/01.02', '1.2'],
    ['x (OCCI/1.1; y)', '1.1'],
  ])('takes %j at its word', (userAgent, version) => {
    expect(requestedVersion(userAgent, 'application/occi+json', undefined)).toEqual({ version, explicit: true });
  });

  it.each([
    ['OCCI/1.3'],
    ['OCCI/2.0'],
    ['OCCI/1.10'],
    ['OCCI/10.0'],
    ['OCCI/1.1 OCCI/2.0'],
    [`OCCI/${'9'.repeat(400)}.1`],
  ])('C-181 A43 %j is too high', (userAgent) => {
    expect(requestedVersion(userAgent, undefined, undefined)).toBe('too-high');
  });

  it.each([
    [undefined],
    [''],
    ['curl/8.0'],
    ['rOCCI/9.9'],
    ['OCCI-CRTP/9.9'],
    ['X-OCCI/9.9'],
    ['OCCI/x.y'],
    ['OCCI/9'],
    ['OCCI/9.'],
    ['OCCI/9.9.9'],
    ['OCCI/9.9beta'],
    ['occi/9.9'],
  ])('C-182 %j names no version', (userAgent) => {
    expect(requestedVersion(userAgent, undefined, undefined)).toEqual({ version: '1.1', explicit: false });
  });

  it.each<[string | undefined, string | undefined, string]>([
    [undefined, undefined, '1.1'],
    ['*/*', 'text/occi', '1.1'],
    ['text/plain', 'text/plain', '1.1'],
    ['application/occi+json', undefined, '1.2'],
    ['application/json', undefined, '1.2'],
    ['text/occi+plain', undefined, '1.2'],
    ['text/plain;q=0.5, application/occi+json', undefined, '1.2'],
    ['text/plain, application/occi+json;q=0.5', undefined, '1.1'],
    [undefined, 'application/occi+json; charset=utf-8', '1.2'],
    ['text/plain', 'text/occi+plain', '1.2'],
    ['application/occi+json; version=1.1', undefined, '1.1'],
    [undefined, 'application/occi+json; version=1.1', '1.1'],
    ['image/png', 'nonsense', '1.1'],
  ])('without a token Accept %j and Content-Type %j mean %s', (accept, contentType, version) => {
    expect(requestedVersion('curl/8.0', accept, contentType)).toEqual({ version, explicit: false });
  });
});
