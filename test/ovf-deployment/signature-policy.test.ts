import { refusedSignature } from '../../extensions/ovf-deployment/signature-policy.js';

describe('O-030 which packages a provider takes', () => {
  it.each([
    ['any', ['unsigned', 'trusted', 'untrusted', 'self-signed', 'expired', 'not-yet-valid']],
    ['signed', ['trusted', 'untrusted', 'self-signed']],
    ['trusted', ['trusted']],
  ] as const)('%s', (policy, taken) => {
    const all = ['unsigned', 'trusted', 'untrusted', 'self-signed', 'expired', 'not-yet-valid'] as const;
    expect(all.filter((status) => refusedSignature(policy, { status }).length === 0)).toEqual(taken);
    expect(refusedSignature(policy, undefined)).toEqual([]);
    const [refusal] = refusedSignature('trusted', { status: 'self-signed', signer: 'CN=me' });
    expect(refusal).toMatchObject({ code: 'ovf.signature-required', value: 'CN=me' });
  });
});
