/**
 * A whole boot of cloud-init (Debian's package) on what a guest gets: in a sandbox that has nothing but a seed of ours, it
 * finds its data source, merges the user data and writes files. Afterwards the environment and the files beside it lie where
 * docs/appliances.md says, byte for byte, and a second boot takes that environment for its data source.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  buildEnvironment,
  buildNoCloud,
  combinedUserData,
  type DeploymentPlan,
  type EnvironmentDocument,
} from '../../src/ovf/index.js';
import { envelope, planOf, product, property, system } from './plan-support.js';

const SANDBOX = ['--unshare-net', '--unshare-pid', '--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'];
const EMPTY = ['/var/lib', '/run', '/var/log', '/sys'].flatMap((folder) => ['--tmpfs', folder]);
/** cloud-init's OVF source asks for the name of the machine's model, and there is none where it finds itself in a container. */
const PRODUCT = '/sys/class/dmi/id/product_name';
const NO_CONTAINER = ['--ro-bind', '/bin/false', '/usr/bin/systemd-detect-virt'];

const there =
  spawnSync('cloud-init', ['--version']).status === 0 &&
  spawnSync('bwrap', [...SANDBOX, ...EMPTY, 'true']).status === 0;
if (!there)
  console.log('cloud-init is not booted: this needs the Debian packages cloud-init and bubblewrap, and its sandbox');

/** Everything that cloud-init could do to a machine is left out but the writing of files. */
const configuration = (source: string): string => `datasource_list: [${source}]
network: {config: disabled}
preserve_hostname: true
cloud_init_modules: [write-files]
cloud_config_modules: []
cloud_final_modules: []
system_info: {distro: debian, paths: {cloud_dir: /var/lib/cloud, run_dir: /run/cloud-init}, default_user: {name: nobody}}
`;

const SCRIPT = '#cloud-config\nwrite_files:\n- {path: /var/lib/own, content: "of the appliance"}\n';
const DOCUMENTS: readonly EnvironmentDocument[] = [
  { path: 'setup/größe & co.xml', base64: Buffer.from('<a>"é"\u2028</a>\n').toString('base64') },
  { path: 'setup/deep/er/bytes', base64: Buffer.from([0, 1, 2, 255, 10, 13]).toString('base64') },
  { path: 'empty', base64: '' },
];

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'vep-cloud-init-boot-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Where each source reads its seed; that of OVF has no folder of its own, whatever its name for one. */
const SEED_FOLDERS = { NoCloud: '/var/lib/cloud/seed/nocloud', OVF: '/var/lib/cloud/seed' } as const;

/** Lets cloud-init boot with `seed` as the seed of that data source; gives back what it has learnt. */
function boot(source: 'NoCloud' | 'OVF', seed: string): { readonly source: string; readonly metadata: unknown } {
  const left = `left-${source}`;
  for (const name of ['etc', left]) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'etc/cloud.cfg'), configuration(source));
  writeFileSync(join(folder, 'product'), 'Standard PC (i440FX + PIIX, 1996)\n');
  const script = `cloud-init init --local && cloud-init init
    cp -rLp /var/lib/cloud/seed /run/cloud-init /mnt/
    [ ! -e /var/lib/own ] || cp /var/lib/own /mnt/`;
  execFileSync(
    'bwrap',
    [
      ...SANDBOX,
      ...EMPTY,
      ...['--bind', seed, SEED_FOLDERS[source]],
      ...['--dir', '/sys/class/net', '--ro-bind', join(folder, 'product'), PRODUCT],
      ...(existsSync('/usr/bin/systemd-detect-virt') ? NO_CONTAINER : []),
      ...['--bind', join(folder, 'etc'), '/etc/cloud'],
      ...['--bind', join(folder, left), '/mnt'],
      ...['sh', '-c', script],
    ],
    { stdio: 'pipe', timeout: 500_000 },
  );
  const read = (name: string): string => readFileSync(join(folder, left, 'cloud-init', name), 'utf8');
  const metadata = JSON.parse(read('instance-data.json')).ds.meta_data;
  return { source: JSON.parse(read('status.json')).v1.datasource, metadata };
}

const PROPERTIES = ['user-data', 'note'];
const TEXT = envelope(
  system('web', { sections: product(PROPERTIES.map((key) => property(key, 'ovf:userConfigurable="true"'))) }),
);

(there ? describe : describe.skip)('a boot of cloud-init', () => {
  it('leaves the environment and its files where they are promised, and starts from them', () => {
    const { plan, secrets } = planned();
    const guest = { instanceId: 'i-0123', guestUrl: 'https://vep.example/guest/token' };
    const environment = buildEnvironment(plan, 'web', secrets, { kind: 'VEP', version: '0', vendor: 'VEP' }, guest);
    const seed = buildNoCloud(plan, 'web', secrets, guest);
    const nocloud = join(folder, 'nocloud');
    mkdirSync(nocloud);
    writeFileSync(join(nocloud, 'meta-data'), seed.metaData);
    writeFileSync(join(nocloud, 'user-data'), combinedUserData(seed, environment, DOCUMENTS));
    expect(boot('NoCloud', nocloud)).toMatchObject({
      source: expect.stringContaining('DataSourceNoCloud'),
      metadata: { 'instance-id': 'i-0123', 'local-hostname': 'web' },
    });

    const left = join(folder, 'left-NoCloud/seed/ovf');
    expect(readFileSync(join(left, 'ovf-env.xml'), 'utf8')).toBe(environment);
    for (const { path, base64 } of DOCUMENTS) {
      const file = join(left, 'ovffiles', path);
      expect([path, readFileSync(file).toString('base64')]).toEqual([path, base64]);
      expect([path, statSync(file).mode & 0o777]).toEqual([path, 0o600]);
    }
    expect(readdirSync(join(left, 'ovffiles')).sort()).toEqual(['empty', 'setup']);
    expect(readFileSync(join(folder, 'left-NoCloud/own'), 'utf8')).toBe('of the appliance');

    expect(boot('OVF', left)).toMatchObject({
      source: expect.stringContaining('DataSourceOVF'),
      metadata: { 'instance-id': 'i-0123', 'local-hostname': 'web' },
    });
  });
});

function planned(): { plan: DeploymentPlan; secrets: ReadonlyMap<string, string> } {
  const properties = { 'user-data': Buffer.from(SCRIPT).toString('base64'), note: 'a "<&> note' };
  const { plan, secrets, findings } = planOf(TEXT, { properties });
  if (!plan) throw new Error(JSON.stringify(findings));
  return { plan, secrets };
}
