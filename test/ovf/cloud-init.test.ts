/**
 * What the guest gets, read by cloud-init itself (Debian's package): its OVF data source reads the environment off our CD,
 * its NoCloud source the seed, its user data processor what sites without a CD take. The CDs are opened by isoinfo.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  buildEnvironment,
  buildNoCloud,
  combinedUserData,
  environmentCd,
  seedCd,
  SEEDED_ENVIRONMENT,
  type DeploymentPlan,
} from '../../src/ovf/index.js';
import { collection, envelope, planOf, product, property, system } from './plan-support.js';

/** Debian's own Python: the one that has Debian's packages. */
const PYTHON = '/usr/bin/python3';

const READER = `
import email, json, os, sys
from cloudinit import helpers, user_data, util
from cloudinit.handlers import cloud_config
from cloudinit.sources import DataSourceOVF
what, folder = sys.argv[1:3]
text = lambda raw: None if raw is None else raw.decode() if isinstance(raw, bytes) else raw
if what == 'ovf':
    name, contents = DataSourceOVF.get_ovf_env(folder)
    md, ud, cfg = DataSourceOVF.read_ovf_environment(contents, True)
    answer = {'name': name, 'md': md, 'ud': text(ud), 'cfg': cfg, 'all': DataSourceOVF.get_properties(contents)}
elif what == 'nocloud':
    found = util.pathprefix2dict(folder, required=['user-data', 'meta-data'], optional=['vendor-data', 'network-config'])
    answer = {name: text(raw) for name, raw in found.items()}
    answer['md'] = util.load_yaml(found['meta-data'])
elif what == 'opennebula':
    from cloudinit.sources import DataSourceOpenNebula
    found = DataSourceOpenNebula.read_context_disk_dir(folder, None)
    answer = {'ud': text(found['userdata']), 'md': found['metadata']}
elif what == 'config-drive':
    from cloudinit.sources import DataSourceConfigDrive
    found = DataSourceConfigDrive.read_config_drive(folder)
    answer = {'ud': text(found['userdata']), 'md': found['metadata'], 'version': found['version']}
else:
    paths = helpers.Paths({'cloud_dir': folder, 'run_dir': folder})
    handler = cloud_config.CloudConfigPartHandler(paths)
    handler.cloud_buf = {}
    parts = []
    for part in user_data.UserDataProcessor(paths).process(util.load_file(os.path.join(folder, 'user-data'))).walk():
        if part.get_content_maintype() == 'multipart':
            continue
        payload = util.fully_decoded_payload(part)
        parts.append([part.get_content_type(), text(payload)])
        if part.get_content_type() == 'text/cloud-config':
            handler._merge_part(text(payload), part)
    answer = {'parts': parts, 'merged': handler.cloud_buf}
print(json.dumps(answer))
`;

const there =
  spawnSync(PYTHON, ['-c', 'import cloudinit.sources.DataSourceOVF']).status === 0 &&
  spawnSync('isoinfo', ['-version']).error === undefined;
if (!there) console.log('cloud-init is not asked: this needs the Debian packages cloud-init and genisoimage');

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'vep-cloud-init-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/* eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test looks into what Python answers by the path it expects */
function ask(what: 'ovf' | 'nocloud' | 'user-data' | 'opennebula' | 'config-drive'): any {
  return JSON.parse(execFileSync(PYTHON, ['-c', READER, what, folder], { encoding: 'utf8' }));
}

/** The files of a CD, by their Rock Ridge names, laid into the folder as a mount would show them. */
function mounted(image: Uint8Array): string[] {
  const file = join(folder, 'cd.iso');
  writeFileSync(file, image);
  const names = execFileSync('isoinfo', ['-R', '-f', '-i', file], { encoding: 'utf8' }).trim().split('\n');
  for (const name of names) writeFileSync(join(folder, name), execFileSync('isoinfo', ['-R', '-x', name, '-i', file]));
  return names;
}

function volumeOf(): string {
  const text = execFileSync('isoinfo', ['-d', '-i', join(folder, 'cd.iso')], { encoding: 'utf8' });
  return /^Volume id: (.*)$/m.exec(text)?.[1] ?? '';
}

const SCRIPT = '#!/bin/sh\necho "ready & <waiting> é"\n';
const HOSTILE = `"'<&>]]>\n\t$(reboot) \${x} é\u2028 ${'x'.repeat(500)}`;
const URL = 'https://vep.example/guest/token';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const keys = ['public-keys', 'password', 'user-data', 'network-config', 'hostname', 'note'];
const TWO = envelope(
  collection(
    'app',
    system('web', { sections: product(keys.map((key) => property(key, 'ovf:userConfigurable="true"'))) }) +
      system('db', { sections: product([property('role', 'ovf:value="master"')]) }),
    product([property('admin', 'ovf:value="a@b.example"')]),
  ),
);

function planned(properties: Readonly<Record<string, string>>): {
  plan: DeploymentPlan;
  secrets: ReadonlyMap<string, string>;
} {
  const { plan, secrets, findings } = planOf(TWO, { properties });
  if (!plan) throw new Error(JSON.stringify(findings));
  return { plan, secrets };
}

const GUEST = { instanceId: 'i-0123', guestUrl: URL };
const PLATFORM = { kind: 'VEP', version: '0', vendor: 'VEP' };

function environmentOf(properties: Readonly<Record<string, string>>, guest: object = GUEST): string {
  const { plan, secrets } = planned(properties);
  return buildEnvironment(plan, 'web', secrets, PLATFORM, guest);
}

function seedOf(properties: Readonly<Record<string, string>>, guest = GUEST): ReturnType<typeof buildNoCloud> {
  const { plan, secrets } = planned(properties);
  return buildNoCloud(plan, 'web', secrets, guest);
}

(there ? describe : describe.skip)('cloud-init', () => {
  it('reads the environment off the CD with its OVF data source', () => {
    const network = 'network: {version: 2, ethernets: {eth0: {dhcp4: true}}}';
    const properties = {
      'public-keys': 'ssh-ed25519 AAAA me',
      password: 'p"<&w',
      'user-data': base64(SCRIPT),
      'network-config': base64(network),
      hostname: 'shop-1',
      note: HOSTILE,
    };
    expect(mounted(environmentCd(environmentOf(properties)))).toEqual(['/ovf-env.xml']);
    expect(volumeOf()).toBe('OVF ENV');
    const { name, md, ud, cfg, all } = ask('ovf');
    expect(name).toBe('ovf-env.xml');
    expect(md).toMatchObject({
      'instance-id': 'i-0123',
      'local-hostname': 'shop-1',
      'public-keys': 'ssh-ed25519 AAAA me',
      'network-config': { version: 2, ethernets: { eth0: { dhcp4: true } } },
    });
    expect([ud, cfg]).toEqual([SCRIPT, { password: 'p"<&w' }]);
    // Attribute values keep their line ends only as character references, which the writer must have used.
    expect(all).toMatchObject({ note: HOSTILE, admin: 'a@b.example' });
    expect(all).not.toHaveProperty('role');
  });

  it('reads the context of OpenNebula: a file of shell assignments on a CD, as oned writes what its adapter gives it', () => {
    const userData = `#cloud-config\nnote: ${JSON.stringify(HOSTILE)}\n${'#'.repeat(40_000)}`;
    const environment = environmentOf({ note: HOSTILE });
    const context = {
      NETWORK: 'YES',
      SET_HOSTNAME: 'shop-1',
      SSH_PUBLIC_KEY: 'ssh-ed25519 AAAA me\nssh-ed25519 BBBB you',
      USER_DATA: base64(userData),
      USERDATA_ENCODING: 'base64',
      OVF_ENV_BASE64: base64(environment),
    };
    const lines = Object.entries(context).map(([name, value]) => `${name}='${value}'\n`);
    writeFileSync(join(folder, 'context.sh'), `# Context variables generated by OpenNebula\n${lines.join('')}`);
    const { ud, md } = ask('opennebula');
    expect(ud).toBe(userData);
    expect(md).toMatchObject({
      'local-hostname': 'shop-1',
      'public-keys': ['ssh-ed25519 AAAA me', 'ssh-ed25519 BBBB you'],
    });
    expect(Buffer.from(String(md.OVF_ENV_BASE64), 'base64').toString('utf8')).toBe(environment);
  });

  it('reads user data off the config drive, as Nova makes one', () => {
    const userData = `#cloud-config\nnote: ${JSON.stringify(HOSTILE)}\n`;
    const latest = join(folder, 'openstack', 'latest');
    mkdirSync(latest, { recursive: true });
    writeFileSync(join(latest, 'user_data'), userData);
    const metadata = {
      uuid: 'i-0123',
      hostname: 'shop-1',
      name: 'shop-1',
      public_keys: { vep: 'ssh-ed25519 AAAA me' },
    };
    writeFileSync(join(latest, 'meta_data.json'), JSON.stringify(metadata));
    expect(ask('config-drive')).toMatchObject({
      ud: userData,
      version: 2,
      md: { 'instance-id': 'i-0123', 'local-hostname': 'shop-1', public_keys: { vep: 'ssh-ed25519 AAAA me' } },
    });
  });

  it('learns where to report, also through a source that knows nothing of reports', () => {
    mounted(environmentCd(environmentOf({})));
    expect(ask('ovf').ud).toMatch(/^#cloud-config\n/);
    expect(ask('ovf').ud).toContain(URL);
  });

  it('reads the NoCloud seed', () => {
    const names = mounted(
      seedCd(seedOf({ 'user-data': base64(SCRIPT), 'public-keys': 'ssh-rsa B b', password: HOSTILE })),
    );
    expect(names.sort()).toEqual(['/meta-data', '/user-data', '/vendor-data']);
    expect(volumeOf()).toBe('cidata');
    const read = ask('nocloud');
    expect(read.md).toEqual({ 'instance-id': 'i-0123', 'local-hostname': 'web', 'public-keys': ['ssh-rsa B b'] });
    expect(read['user-data']).toBe(SCRIPT);
  });

  const merged = (text: string): ReturnType<typeof ask> => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'user-data'), text);
    return ask('user-data');
  };

  it('takes the appliance’s script and VEP’s configuration out of one user data', () => {
    const { parts, merged: config } = merged(
      combinedUserData(seedOf({ 'user-data': base64(SCRIPT), password: HOSTILE })),
    );
    expect(parts[0]).toEqual(['text/x-shellscript', SCRIPT]);
    expect(config).toMatchObject({ password: HOSTILE, phone_home: { url: URL } });
  });

  it('lets the appliance’s own configuration win, and joins lists', () => {
    const own = '#cloud-config\npassword: own\nssh_authorized_keys: [mine]\nruncmd: [ls]\n';
    const seed = seedOf({ 'user-data': base64(own), password: 'theirs', 'public-keys': 'ssh-rsa B b' });
    expect(merged(combinedUserData(seed)).merged).toMatchObject({
      password: 'own',
      runcmd: ['ls'],
      phone_home: { url: URL },
      ssh_authorized_keys: ['mine', 'ssh-rsa B b'],
    });
  });

  it('keeps an archive that the appliance brings as an archive', () => {
    const own = `Content-Type: multipart/mixed; boundary="own"\nMIME-Version: 1.0\n\n--own\nContent-Type: text/x-shellscript\n\n${SCRIPT}\n--own--\n`;
    const { parts, merged: config } = merged(combinedUserData(seedOf({ 'user-data': base64(own) })));
    expect(parts.map(([type]: [string]) => type)).toEqual(['text/x-shellscript', 'text/cloud-config']);
    expect(config).toMatchObject({ phone_home: { url: URL } });
  });

  it('finds the environment in a file where there is no CD, and reads it there', () => {
    const environment = environmentOf({ note: HOSTILE });
    const { merged: config } = merged(combinedUserData(seedOf({ note: HOSTILE }), environment));
    const [report, seeded] = config.write_files;
    expect(report).toMatchObject({ path: '/var/lib/cloud/scripts/per-boot/vep-ready', permissions: '0700' });
    expect(seeded).toEqual({ path: SEEDED_ENVIRONMENT, permissions: '0600', content: environment });
    writeFileSync(join(folder, 'ovf-env.xml'), seeded.content);
    expect(ask('ovf').all).toMatchObject({ note: HOSTILE, 'instance-id': 'i-0123' });
  });
});
