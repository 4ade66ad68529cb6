/** The OVF environment (DSP0243 §11, DSP8027) and cloud-init's NoCloud seed: what reaches the guest, and only that. */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DOMParser, type Element } from '@xmldom/xmldom';
import fc from 'fast-check';
import { XmlDocument } from 'libxml2-wasm';
import { parse as parseYaml } from 'yaml';
import { Problem } from '../../src/base/errors.js';
import {
  buildEnvironment,
  buildNoCloud,
  secretKey,
  seedFiles,
  type DeploymentPlan,
  type PlanResult,
} from '../../src/ovf/index.js';
import { collection, envelope, planOf, product, property, schemas, system } from './plan-support.js';

const ENVIRONMENT = 'http://schemas.dmtf.org/ovf/environment/1';
const PLATFORM = { kind: 'VEP', version: '0.1', vendor: 'The VEP project', locale: 'de-DE', timezone: -90 };

/** A shop of two tiers, as in DMTF's example: what each sees is read off there. */
const SHOP = envelope(
  collection(
    'shop',
    system('web', { sections: product([property('port', 'ovf:value="80"')]) }) +
      collection(
        'dbTier',
        system('db1', { sections: product([property('role', 'ovf:value="master"')]) }) +
          system('db2', { sections: product([property('pw', 'ovf:password="true" ovf:value="s3cret-of-db2"')]) }),
        product([property('log', 'ovf:value="low"')]),
      ),
    product([property('adminEmail', 'ovf:userConfigurable="true" ovf:value="a@b.example"')]),
  ),
);

function shop(properties: Readonly<Record<string, string>> = {}): {
  plan: DeploymentPlan;
  secrets: ReadonlyMap<string, string>;
} {
  const { plan, secrets, findings } = planOf(SHOP, { properties });
  if (!plan) throw new Error(JSON.stringify(findings));
  return { plan, secrets };
}

/** Keys and values of a PropertySection. */
function propertiesIn(parent: Element): Readonly<Record<string, string>> {
  const section = childrenOf(parent).find(({ localName }) => localName === 'PropertySection');
  return Object.fromEntries(
    (section ? childrenOf(section) : []).map((element) => [
      element.getAttributeNS(ENVIRONMENT, 'key') ?? '',
      element.getAttributeNS(ENVIRONMENT, 'value') ?? '',
    ]),
  );
}

function childrenOf(parent: Element): readonly Element[] {
  return [...parent.childNodes].filter((node): node is Element => node.nodeType === node.ELEMENT_NODE);
}

function read(text: string): Element {
  return new DOMParser().parseFromString(text, 'text/xml').documentElement as Element;
}

function environment(machine: string, properties = {}, guest = {}): string {
  const { plan, secrets } = shop(properties);
  return buildEnvironment(plan, machine, secrets, PLATFORM, guest);
}

function entitiesOf(machine: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
  return Object.fromEntries(
    childrenOf(read(environment(machine)))
      .filter(({ localName }) => localName === 'Entity')
      .map((entity) => [entity.getAttributeNS(ENVIRONMENT, 'id') ?? '', propertiesIn(entity)]),
  );
}

describe('the OVF environment', () => {
  it.each(['web', 'db1', 'db2'])('O-067 of %s is valid against DSP8027', (machine) => {
    const document = XmlDocument.fromString(
      environment(machine, {}, { instanceId: 'i-1', guestUrl: 'https://vep.example/ready/t' }),
    );
    try {
      expect(schemas.environment(document)).toEqual([]);
    } finally {
      document.dispose();
    }
  });

  it('names its recipient and the platform', () => {
    const root = read(environment('web'));
    expect(root.getAttributeNS(ENVIRONMENT, 'id')).toBe('web');
    const [platform] = childrenOf(root);
    expect(childrenOf(platform as Element).map(({ localName, textContent }) => [localName, textContent])).toEqual([
      ['Kind', 'VEP'],
      ['Version', '0.1'],
      ['Vendor', 'The VEP project'],
      ['Locale', 'de-DE'],
      ['Timezone', '-90'],
    ]);
  });

  it('shows own and parent’s properties, not the grandparent’s', () => {
    expect(propertiesIn(read(environment('web')))).toEqual({ port: '80', adminEmail: 'a@b.example' });
    expect(propertiesIn(read(environment('db1')))).toEqual({ role: 'master', log: 'low' });
  });

  it('shows every sibling with what it sees', () => {
    expect(entitiesOf('web')).toEqual({ dbTier: { log: 'low', adminEmail: 'a@b.example' } });
    expect(entitiesOf('db1')).toEqual({ db2: { pw: 's3cret-of-db2', log: 'low' } });
  });

  it('has no siblings outside a collection', () => {
    const { plan } = planOf(envelope(system('vm')));
    expect(
      buildEnvironment(plan as DeploymentPlan, 'vm', new Map(), { kind: 'VEP', version: '1', vendor: 'V' }),
    ).not.toMatch(/Entity|Locale/);
  });

  it('adds what cloud-init looks for, and where the guest reports', () => {
    const text = environment(
      'web',
      {},
      { instanceId: 'i-7', hostname: 'web-2', guestUrl: 'https://vep.example/ready?a=1&t="x"' },
    );
    expect(propertiesIn(read(text))).toMatchObject({ 'instance-id': 'i-7', 'local-hostname': 'web-2' });
    const report = childrenOf(read(text)).at(-1);
    expect(report?.getAttributeNS('http://schemas.contrail-project.eu/ovf/environment/1', 'url')).toBe(
      'https://vep.example/ready?a=1&t="x"',
    );
  });

  it('O-067 carries any value there and back, and nothing but the value', () => {
    const hostile = '"/><Property oe:key="x" oe:value="&amp;]]>\r\n\t😀';
    expect(propertiesIn(read(environment('web', { adminEmail: hostile })))).toEqual({
      port: '80',
      adminEmail: hostile,
    });
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        fc.pre(/^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u.test(value));
        const document = XmlDocument.fromString(environment('web', { adminEmail: value }));
        try {
          const found = document.get(`//*[@*[local-name()='key']='adminEmail']/@*[local-name()='value']`);
          expect(found?.content).toBe(value);
        } finally {
          document.dispose();
        }
      }),
      { numRuns: 50 },
    );
  });

  it('O-067 refuses characters that XML cannot hold, with the input', () => {
    const { findings } = planOf(SHOP, { properties: { adminEmail: 'a\u0000b' } });
    expect(findings).toMatchObject([{ code: 'ovf.O-061', message: expect.stringContaining('XML') }]);
  });

  it('fails when a secret is gone, or the machine never was', () => {
    const { plan, secrets } = shop();
    expect(() => buildEnvironment(plan, 'db2', new Map(), PLATFORM)).toThrow(Problem);
    expect(() => buildEnvironment(plan, 'db3', secrets, PLATFORM)).toThrow(/no such machine/);
    expect(secrets.get(secretKey('db2', 'pw'))).toBe('s3cret-of-db2');
  });
});

describe('the NoCloud seed', () => {
  const keys = ['hostname', 'public-keys', 'password', 'user-data', 'network-config'];
  const text = envelope(
    system('vm', { sections: product(keys.map((key) => property(key, 'ovf:userConfigurable="true"'))) }),
  );
  const seed = (properties: Readonly<Record<string, string>>, guest = {}): ReturnType<typeof buildNoCloud> => {
    const { plan, secrets } = planOf(text, { properties });
    return buildNoCloud(plan as DeploymentPlan, 'vm', secrets, { instanceId: 'i-1', ...guest });
  };

  it('of nothing is the instance and its name', () => {
    const { metaData, userData, vendorData, networkConfig } = seed({});
    expect(parseYaml(metaData)).toEqual({ 'instance-id': 'i-1', 'local-hostname': 'vm' });
    expect(userData).toBe('#cloud-config\n{}\n');
    expect([vendorData, networkConfig]).toEqual([undefined, undefined]);
  });

  it('hands keys, password and the address to report to', () => {
    const { metaData, userData } = seed(
      { hostname: 'shop', 'public-keys': 'ssh-ed25519 AAA a\n\nssh-rsa BBB b', password: 'p: "w"\u2028' },
      { guestUrl: 'https://vep.example/ready/t' },
    );
    expect(parseYaml(metaData)).toMatchObject({
      'local-hostname': 'shop',
      'public-keys': ['ssh-ed25519 AAA a', 'ssh-rsa BBB b'],
    });
    expect(parseYaml(userData)).toEqual({
      ssh_authorized_keys: ['ssh-ed25519 AAA a', 'ssh-rsa BBB b'],
      password: 'p: "w"\u2028',
      chpasswd: { expire: false },
      ssh_pwauth: true,
      phone_home: { url: 'https://vep.example/ready/t', post: ['instance_id', 'hostname'], tries: 10 },
      write_files: [
        { path: '/var/lib/cloud/scripts/per-boot/vep-ready', permissions: '0700', content: expect.any(String) },
      ],
    });
  });

  it('reports at every boot but the first, which is phone_home’s, and lets no URL break out of its script', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vep-ready-'));
    const config = parseYaml(seed({}, { guestUrl: `https://vep.example/a';touch ${folder}/broken;'` }).userData);
    const [{ content }] = (config as { write_files: [{ content: string }] }).write_files;
    // A guest in a folder: its marker, and a `curl` that writes down what it was called with.
    const script = content.replace('/var/lib/cloud/', `${folder}/`).replace('sleep 3', ':');
    writeFileSync(join(folder, 'curl'), `#!/bin/sh\necho "$@" >> ${folder}/calls\n`, { mode: 0o700 });
    const boot = (): string => {
      spawnSync('sh', ['-c', script], { env: { PATH: `${folder}:${process.env['PATH'] ?? ''}` } });
      return existsSync(join(folder, 'calls')) ? readFileSync(join(folder, 'calls'), 'utf8') : '';
    };
    expect(boot()).toBe('');
    expect(boot()).toContain('https://vep.example/a%27;touch');
    expect(existsSync(join(folder, 'broken'))).toBe(false);
    rmSync(folder, { recursive: true });
  });

  it('leaves the appliance’s own user data as it is, decoded', () => {
    const script = '#!/bin/sh\necho é\n';
    const encoded = Buffer.from(script).toString('base64');
    expect(seed({ 'user-data': encoded, password: 'x' })).toMatchObject({
      userData: script,
      vendorData: expect.stringContaining('"password": "x"'),
    });
    expect(seed({ 'user-data': script }).userData).toBe(script);
    expect(seed({ 'network-config': Buffer.from('version: 2').toString('base64') }).networkConfig).toBe('version: 2');
  });

  it('prefers the name of the instance', () => {
    expect(parseYaml(seed({ hostname: 'shop' }, { hostname: 'shop-3' }).metaData)).toMatchObject({
      'local-hostname': 'shop-3',
    });
  });

  it('becomes the files of the CD', () => {
    const files = seedFiles(seed({ 'user-data': '#!x', 'network-config': 'version: 2' }));
    expect(files.map(({ name, bytes }) => [name, Buffer.from(bytes).toString().slice(0, 10)])).toEqual([
      ['meta-data', '{\n  "insta'],
      ['user-data', '#!x'],
      ['vendor-data', '#cloud-con'],
      ['network-config', 'version: 2'],
    ]);
  });
});

describe('files for the guest (OVF 2 EnvironmentFilesSection)', () => {
  const files = (...paths: readonly string[]): string =>
    `<ovf2:EnvironmentFilesSection ovf:required="false"><Info/>${paths
      .map((path) => `<ovf2:File ovf2:fileRef="f" ovf2:path="${path}"/>`)
      .join('')}</ovf2:EnvironmentFilesSection>`;
  const references = '<File ovf:id="f" ovf:href="x"/><File ovf:id="other" ovf:href="y"/>';
  const planned = (sections: string, outer = ''): PlanResult =>
    planOf(envelope(collection('c', system('vm', { sections }), outer), { references }), {}, 'lenient');

  it('are those of the system and its collection, under relative paths', () => {
    const { plan, findings } = planned(files('/etc/x', 'own'), files('ETC/X', 'all'));
    expect(plan?.machines[0]?.environment.files?.map(({ path }) => path)).toEqual(['etc/x', 'all', 'own']);
    expect(plan?.files).toMatchObject([{ id: 'f', href: 'x' }]);
    expect(plan?.images).toEqual([]);
    expect(findings.map(({ code, severity }) => `${severity} ${code}`)).toContain('warning ovf.O-015');
    expect(planOf(envelope(system('vm'))).plan).not.toHaveProperty('files');
  });

  it.each([
    ['O-015', files('a/../../b'), ''],
    ['O-015', files('a'.repeat(70)), ''],
    ['O-012', files('a', 'A'), ''],
    ['O-012', files('a/b'), files('A')],
    [
      'O-078',
      files(...Array.from({ length: 200 }, (_, index) => `own${index}`)),
      files(...Array.from({ length: 200 }, (_, index) => `all${index}`)),
    ],
  ])('%s refuse what no disc can hold', (rule, sections, outer) => {
    let found: readonly { readonly rule?: string }[];
    try {
      found = planned(sections, outer).findings;
    } catch (error) {
      found = (error as Problem).faults;
    }
    expect(found.map((fault) => fault.rule?.slice(0, 5))).toContain(rule);
  });
});
