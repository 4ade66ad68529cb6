/**
 * Networks on a bridge, under a session of an account without rights: a real guest is reached over the bridge at the
 * address that VEP leased, its traffic is counted, and what the session lacks is said beforehand. The bridge and a copy of QEMU's
 * helper with its set-user bit are the test's own; the helper's list of bridges is laid over /etc for the daemon alone.
 */

import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { newUuid } from '../../src/base/ids.js';
import type { SiteAdapter } from '../../src/iaas/adapter.js';
import { describeWith } from '../support/counterparts.js';
import { guestImage } from '../support/guest-image.js';
import { openSite, PROGRAMS, Session } from './libvirt-harness.js';

const HELPER = '/usr/lib/qemu/qemu-bridge-helper';
const PATIENCE_MS = 300_000;

const block = process.pid % 200;
const BRIDGE = `vepbr${process.pid % 100_000}`;
const HOST = `10.78.${block}.1`;
const GUEST = `10.78.${block}.15`;

const reason = missing();
if (reason !== undefined) console.info(`skipped: ${reason}`);

function missing(): string | undefined {
  if (process.getuid?.() !== 0) return 'a bridge is made by root alone';
  if (!existsSync(HELPER)) return `no ${HELPER}`;
  const folder = mkdtempSync(join(tmpdir(), 'vep-bridge-'));
  try {
    execFileSync('ip', ['link', 'add', BRIDGE, 'type', 'bridge'], { stdio: 'pipe' });
    execFileSync('ip', ['link', 'del', BRIDGE]);
    overEtc(folder, 'true');
    return undefined;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer };
    return `no bridge, or nothing over /etc, can be made here: ${String(stderr ?? message)}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs a command that alone sees what is put into `u/` of the folder laid over /etc. */
function overEtc(folder: string, command: string, env?: NodeJS.ProcessEnv): void {
  const [upper, work] = ['u', 'w'].map((name) => join(folder, name));
  for (const each of [upper, work]) mkdirSync(each ?? '', { recursive: true });
  const overlay = `mount -t overlay overlay -o lowerdir=/etc,upperdir=${upper},workdir=${work} /etc`;
  execFileSync('unshare', ['-m', 'sh', '-c', `${overlay} && exec ${command}`], { env, stdio: 'pipe' });
}

(reason === undefined ? describeWith(...PROGRAMS, 'ip', 'unshare', 'setpriv') : describe.skip)('on a bridge', () => {
  let session: Session;
  let site: SiteAdapter;

  beforeAll(async () => {
    execFileSync('ip', ['link', 'add', BRIDGE, 'type', 'bridge']);
    execFileSync('ip', ['address', 'add', `${HOST}/24`, 'dev', BRIDGE]);
    execFileSync('ip', ['link', 'set', BRIDGE, 'up']);
    session = new Session();
    await session.account.prepare();
    const helper = join(session.directory, 'helper');
    copyFileSync(HELPER, helper);
    const folder = join(session.session, 'etc/libvirt');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'qemu.conf'), `bridge_helper = "${helper}"\n`);
    execFileSync('chown', ['-R', 'nobody', join(session.session, 'etc')]);
    startDaemon();
    const networks = { bridge: BRIDGE, pool: `10.78.${block}.0/24` };
    site = await openSite(session.options({ networks, access: false, accelerator: 'qemu' }), session.directory);
  }, PATIENCE_MS);

  afterAll(async () => {
    await site.close();
    const left = session.processes().filter((line) => line.includes('qemu-system'));
    for (const line of left) process.kill(Number.parseInt(line, 10));
    await session.close();
    execFileSync('ip', ['link', 'del', BRIDGE]);
    expect(left).toEqual([]);
  }, PATIENCE_MS);

  /** The daemon of the session, which alone sees an /etc with the list of bridges. */
  function startDaemon(): void {
    mkdirSync(join(session.directory, 'u/qemu'), { recursive: true });
    writeFileSync(join(session.directory, 'u/qemu/bridge.conf'), '');
    const daemon = 'setpriv --reuid=nobody --regid=nogroup --clear-groups libvirtd -d --timeout=120';
    overEtc(session.directory, daemon, session.account.childOptions.env);
  }

  /** Asks the guest for its page until what it sends is counted: QEMU counts by its own clock. */
  async function traffic(ref: string): Promise<void> {
    for (const end = Date.now() + PATIENCE_MS; ;) {
      await page(`http://${GUEST}/`);
      const samples = await site.metrics([ref]);
      if (Number(samples.find(({ metric }) => metric === 'vm.network.io')?.value) > 0) return;
      if (Date.now() > end) throw new Error(`no traffic is counted: ${JSON.stringify(samples)}`);
      await pause(200);
    }
  }

  it(
    'says what a session lacks, and reaches a guest when nothing is',
    async () => {
      const lacking = async (): Promise<string> =>
        (await site.check()).map(({ code, remedy }) => `${code}: ${remedy}`).join('\n');
      expect(await lacking()).toMatch(/^libvirt\.bridge: .*bridge\.conf: allow /);
      writeFileSync(join(session.directory, 'u/qemu/bridge.conf'), `allow ${BRIDGE}\n`);
      expect(await lacking()).toMatch(/^libvirt\.bridge: .*set-user bit/);
      chmodSync(join(session.directory, 'helper'), 0o4755);
      expect(await lacking()).toBe('');

      const [image, network, machine, nic] = [newUuid(), newUuid(), newUuid(), newUuid()];
      const bytes = guestImage();
      if (bytes === undefined) return;
      const booted = await site.importImage(
        {
          id: image,
          name: 'guest',
          format: 'qcow2',
          sizeBytes: bytes.byteLength,
          virtualSizeBytes: 40 * 2 ** 20,
          open: () => Promise.resolve(once(bytes)),
        },
        image,
      );
      const lan = await site.createNetwork({ id: network, name: 'lan', cidr: `10.78.${block}.0/24` }, network);
      const spec = { id: machine, name: 'one', hostname: 'one', cores: 1, memoryBytes: 256 * 2 ** 20, image: booted };
      const ref = await site.createCompute({ ...spec, nics: [{ id: nic, network: lan }] }, machine);
      const plugged = await site.attachNic({ id: nic, network: lan, compute: ref }, nic);
      await site.actCompute(ref, 'start', undefined);
      expect((await site.describe('nic', [plugged])).get(plugged)).toMatchObject({ address: GUEST });
      expect(await page(`http://${GUEST}/`)).toContain('is up');
      await traffic(ref);

      await site.actCompute(ref, 'stop', 'poweroff');
      await site.delete('compute', ref);
      await site.delete('network', lan);
      await site.delete('image', booted);
    },
    2 * PATIENCE_MS,
  );
});

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** What a guest serves when it has come up. */
async function page(url: string): Promise<string> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await (await fetch(url, { signal: AbortSignal.timeout(5000) })).text();
    } catch (error) {
      if (Date.now() > end) throw error;
      await pause(200);
    }
  }
}
