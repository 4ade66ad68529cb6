/** Identity in header fields counts from configured proxies alone (S-041, S-042, S-045). */

import { isWithin, networkOf, normalizeAddress } from '../../src/access/addresses.js';
import { refuseSpoofedIdentity } from '../../src/access/proxy-headers.js';

const PROXIES = ['192.0.2.10', '10.1.0.0/16', '2001:db8::/32'];
const PLAIN = ['Host', 'vep.example', 'Accept', '*/*', 'X-Forwarded-For', '127.0.0.1', 'X-OCCI-Attribute', 'a="b"'];

function refusal(fields: readonly string[], peer: string): string | undefined {
  return refuseSpoofedIdentity([...PLAIN, ...fields], peer, PROXIES, 'rfc9440')?.message;
}

describe('identity in header fields', () => {
  it('S-041 is refused from anybody but a configured proxy', () => {
    for (const name of [
      'X-SSL-Client-Cert',
      'X-SSL-Client-Verify',
      'X-SSL-Client-S-DN',
      'Client-Cert',
      'Client-Cert-Chain',
      'X-Forwarded-Client-Cert',
      'SSL_CLIENT_S_DN',
      'GRST_CRED_0',
      'GRST_VOMS_FQANS',
      'X-Remote-User',
    ]) {
      expect([name, refusal([name, 'SUCCESS'], '198.51.100.1')]).toEqual([
        name,
        expect.stringContaining('configured proxy'),
      ]);
      expect([name, refusal([name, 'SUCCESS'], '127.0.0.1')]).toEqual([name, expect.any(String)]);
    }
    expect(refuseSpoofedIdentity(['Client-Cert', 'x'], '198.51.100.1', PROXIES)).toMatchObject({
      kind: 'malformed',
      faults: [expect.objectContaining({ code: 'spoofed-header', place: { field: 'Client-Cert' } })],
    });
  });

  it('S-042 is refused from a proxy too when disguised, repeated or in two schemes', () => {
    expect(refusal(['CLIENT-cert', ':abc:'], '192.0.2.10')).toBeUndefined();
    expect(refusal(['Client-Cert', ':abc:', 'Client-Cert-Chain', ':def:'], '10.1.2.3')).toBeUndefined();
    expect(refusal(['client_cert', ':abc:'], '192.0.2.10')).toContain('underscore');
    expect(refusal(['Client-Cert', ':abc:', 'client-CERT', ':def:'], '192.0.2.10')).toContain('twice');
    expect(refusal(['Client-Cert', ':abc:', 'X-SSL-Client-Cert', 'def'], '192.0.2.10')).toContain('not how');
    expect(refusal(['X-Remote-User', 'alice'], '192.0.2.10')).toContain('not how');
    expect(refuseSpoofedIdentity(['Client-Cert', ':abc:'], '192.0.2.10', PROXIES)?.message).toContain('not how');
    expect(refusal([' x_ssl_client_cert', 'abc'], '198.51.100.1')).toContain('configured proxy');
  });

  it('leaves other fields alone, whoever sends them', () => {
    expect(refusal([], '198.51.100.1')).toBeUndefined();
    expect(refusal(['X-Auth-Token', 'x', 'Client-Hints', 'y'], '198.51.100.1')).toBeUndefined();
  });

  it('S-045 knows a proxy by the address of the connection, mapped IPv6 included', () => {
    expect(isWithin('::ffff:192.0.2.10', PROXIES)).toBe(true);
    expect(isWithin('10.1.255.1', PROXIES)).toBe(true);
    expect(isWithin('10.2.0.1', PROXIES)).toBe(false);
    expect(isWithin('2001:db8:1::1%eth0', PROXIES)).toBe(true);
    expect(isWithin('', PROXIES)).toBe(false);
    expect(isWithin('10.1.0.1', ['nonsense', '10.1.0.0/99'])).toBe(false);
    expect(normalizeAddress('/run/vep.sock')).toBe('/run/vep.sock');
    expect(networkOf('2001:db8:1:2:3::4')).toBe('2001:db8:1:2::/64');
    expect(networkOf('::ffff:10.0.0.1')).toBe('10.0.0.1');
  });
});
