/** What VEP says to an OpenNebula and understands of it, without one: sessions, what its refusals mean, documents. */

import { generateKeyPairSync, publicDecrypt } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.js';
import { packageRoot } from '../../src/base/package-root.js';
import { kept, unkept } from '../../src/iaas/kept-text.js';
import { readDocument } from '../../src/iaas/document.js';
import { observeMachine, readMachine } from '../../src/iaas/adapters/opennebula/machine.js';
import { meaningOf, refusalOf } from '../../src/iaas/adapters/opennebula/one-error.js';
import { onlyOne } from '../../src/iaas/adapters/opennebula/only-one.js';
import { openSessions } from '../../src/iaas/adapters/opennebula/session.js';
import { machineMeaning } from '../../src/iaas/adapters/opennebula/states.js';
import { templateXml } from '../../src/iaas/adapters/opennebula/template.js';
import { readAnswer } from '../../src/iaas/adapters/opennebula/xml-rpc.js';

const recorded = JSON.parse(readFileSync(join(packageRoot, 'test/support/fake-oned/recorded.json'), 'utf8')) as {
  exchanges: { name: string; response: string }[];
  bodies: Record<string, string>;
};

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'vep-one-'))));
afterEach(() => rmSync(directory, { recursive: true }));

describe('sessions', () => {
  it('by certificate are the user and the expiry, encrypted with the private key, beside the chain', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----';
    writeFileSync(join(directory, 'chain.pem'), `${pem}\n${pem}\n`);
    writeFileSync(join(directory, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const certificate = join(directory, 'chain.pem');
    const options = {
      driver: 'x509' as const,
      user: 'dave',
      certificate,
      key: { file: join(directory, 'key.pem') },
      tokenLifetimeMs: 60_000,
    };
    const sessions = openSessions(options, { ...systemClock, now: () => 1_000_000 });
    const [user, token = ''] = sessions.own().split(':');
    const [proof = '', ...chain] = Buffer.from(token, 'base64').toString().split(':');
    expect([user, chain.length]).toEqual(['dave', 2]);
    expect(publicDecrypt(publicKey, Buffer.from(proof, 'base64')).toString()).toBe('dave:1060');
    expect(sessions.for({ user: 'anyone', group: 1 })).toBeUndefined();
  });

  it('are reused until shortly before their end, as oned checks a new one slowly', () => {
    let now = 0;
    writeFileSync(join(directory, 'secret'), 'pw');
    const options = {
      driver: 'server_cipher' as const,
      user: 'serveradmin',
      administrator: 'oneadmin',
      password: { file: join(directory, 'secret') },
      tokenLifetimeMs: 100_000,
    };
    const sessions = openSessions(options, { ...systemClock, now: () => now });
    const alice = (): string | undefined => sessions.for({ user: 'alice', group: 100 });
    const first = alice();
    now = 89_000;
    expect(alice()).toBe(first);
    now = 91_000;
    expect(alice()).not.toBe(first);
  });
});

describe('errors', () => {
  it.each([
    ['error-quota-cpu', 'quota'],
    ['error-resize-quota', 'quota'],
    ['error-restricted-attr', 'invalid'],
    ['error-authorization-create', 'denied'],
    ['error-authentication', 'denied'],
    ['error-no-exists', 'not-found'],
    ['error-allocate-no-image', 'not-found'],
    ['error-attach-no-image', 'not-found'],
    ['error-attachnic-ip-used', 'capacity'],
    ['error-reserve-too-big', 'capacity'],
    ['error-image-ds-full', 'capacity'],
    ['error-image-duplicate', 'conflict'],
    ['error-duplicate-user', 'conflict'],
    ['error-image-in-use', 'conflict'],
    ['error-vn-in-use', 'conflict'],
    ['error-action-done', 'conflict'],
    ['error-terminate-while-boot', 'conflict'],
    ['error-template-syntax', 'invalid'],
    ['error-missing-memory', 'invalid'],
    ['error-resize-negative', 'invalid'],
    ['error-diskresize-shrink', 'invalid'],
    ['error-acl-malformed', 'invalid'],
    ['error-image-system-ds', 'invalid'],
    ['error-vmpool-filter-sqlite', 'unsupported'],
  ])('%s means %s, whatever its code', (name, meaning) => {
    const answer = readAnswer(recorded.exchanges.find((each) => each.name === name)?.response ?? '');
    if (answer.kind !== 'refusal') throw new Error('not a refusal');
    expect(meaningOf(answer.code, answer.said)).toBe(meaning);
  });

  // Two asked for one name at the same instant: nothing but the database stopped the second.
  it.each([
    [8192, 'one.secgroup.allocate', '[one.secgroup.allocate] '],
    [8192, 'one.secgroup.allocate', ''],
    [16384, 'one.image.allocate', '[one.image.allocate] Error allocating a new image.'],
    [16384, 'one.vmgroup.allocate', '[one.vmgroup.allocate] Error allocating a new VM group. '],
  ])('%i without a word means to look who has the name: %s says "%s"', async (code, method, said) => {
    const refusal = refusalOf(method, { kind: 'refusal', code, said });
    expect(refusal.class).toBe('transient');
    expect(refusal.message).toMatch(/^OpenNebula refuses: \w/);
    const refused = (): Promise<number> => Promise.reject(refusal);
    await expect(onlyOne(refused, () => Promise.resolve(7))).resolves.toBe(7);
    await expect(onlyOne(refused, () => Promise.resolve(undefined))).rejects.toBe(refusal);
  });

  it('of other kinds are not taken for a name that is taken', async () => {
    const refusal = refusalOf('one.image.allocate', { kind: 'refusal', code: 8192, said: 'Cannot parse image SIZE' });
    const find = (): Promise<number> => Promise.reject(new Error('nobody has to look'));
    await expect(onlyOne(() => Promise.reject(refusal), find)).rejects.toBe(refusal);
  });
});

describe('documents', () => {
  const read = (name: string): ReturnType<typeof observeMachine> =>
    observeMachine(readMachine(readDocument(recorded.bodies[name] ?? ''), 'vep'));

  it.each([
    ['one.vm.info-running', 'active', false],
    ['one.vm.info-hold', 'inactive', false],
    ['one.vm.info-pending', 'inactive', true],
    ['one.vm.info-poweroff', 'inactive', false],
    ['one.vm.info-suspended', 'suspended', false],
    ['one.vm.info-boot-failure', 'error', false],
    ['one.vm.info-done', undefined, undefined],
  ])('%s is %s', (name, state, busy) => {
    expect([read(name)?.state, read(name)?.busy]).toEqual([state, busy]);
  });

  it('tell why a machine failed or waits, without the date', () => {
    expect(read('one.vm.info-boot-failure')?.message).toBe('DEPLOY: node2:fail-1:dummy');
    expect(read('one.vm.info-unschedulable')?.message).toMatch(/^Cannot dispatch VM: No host meets capacity/);
  });

  it('of states that nobody knows are errors with their number', () => {
    expect(machineMeaning(3, 999)).toMatchObject({ state: 'error', name: 'STATE 3, LCM_STATE 999' });
    for (let lcm = 0; lcm <= 71; lcm++)
      if (lcm !== 55 && lcm !== 58) expect(machineMeaning(3, lcm)?.name).not.toMatch(/STATE 3/);
  });

  it('come back from a template as they went in, or are refused', () => {
    for (const text of ['a"b', "it's", 'a\\', '[x=1]', '# no comment', '$NAME', 'a\nb\tc', '<&>', 'é\u{1f4a9}', ' x '])
      expect(readDocument(templateXml({ A: text, V: { B: text } })).at('V', 'B')?.text).toBe(text);
    for (const text of ['a]]>b', 'a\u0000', '\ud800']) expect(() => templateXml({ A: text })).toThrow(/cannot hold/);
    for (const text of ['base64:x', '', 'plain', ']]>', ' ', 'a\u0000b']) expect(unkept(kept(text))).toBe(text);
  });

  it.each([
    '',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    'x<a/>',
    '<!DOCTYPE a><a/>',
    '<a>&nope;</a>',
    '<a>&#x110000;</a>',
    `${'<a>'.repeat(100)}`,
  ])('that are none are refused: %j', (text) => expect(() => readDocument(text)).toThrow());
});
