/**
 * What a real machine boots from, and what machines share, under a real libvirt and QEMU: each medium of the appliance is a boot
 * sector that says its name on the serial port, and the machine's console tells which of them the firmware has started (OVF 2
 * BootDeviceSection, VMware's BootOrderSection; decision 0022).
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client, JSON_TYPE } from '../conformance/client.js';
import { actOn, pathOf, STATE, untilNothingIsLeft } from '../integration/appliance-wire.js';
import { bootDevices, bootOrder, collection, envelope, item, system } from '../ovf/plan-support.js';
import { packed } from '../ovf/tar-support.js';
import { COUNTING, saying } from '../support/boot-disks.js';
import { describeWith } from '../support/counterparts.js';
import { startTestServer, type TestServer } from '../support/server.js';
import { PROGRAMS, Session } from './libvirt-harness.js';

const PATIENCE_MS = 360_000;
const MEDIA = ['root', 'rescue', 'cd'] as const;

/** Two disks on one controller, and a CD; `sections` say what to boot from. */
function descriptor(sections: string): string {
  const disks = MEDIA.slice(0, 2).map(
    (id) =>
      `<Disk ovf:diskId="${id}" ovf:capacity="1" ovf:capacityAllocationUnits="byte * 2^30" ovf:fileRef="${id}" ovf:format="raw"/>`,
  );
  const items =
    item({ id: '3', type: 6, address: '0' }) +
    item({ id: '4', type: 17, resource: 'ovf:/disk/root', parent: '3', slot: 0 }) +
    item({ id: '5', type: 17, resource: 'ovf:/disk/rescue', parent: '3', slot: 1 }) +
    item({ id: '6', type: 15, resource: 'ovf:/file/cd' });
  return envelope(system('vm', { items, sections }), {
    references: MEDIA.map((id) => `<File ovf:id="${id}" ovf:href="${id}.img"/>`).join(''),
    disks: disks.join(''),
  });
}

describeWith(...PROGRAMS)('a machine on a real libvirt', () => {
  let session: Session;
  let server: TestServer;
  const client = (): Client => new Client(server, '1.2');

  beforeAll(async () => {
    session = new Session();
    const options = session.options({ accelerator: 'qemu', access: false, shutdownMs: 100 });
    server = await startTestServer({ config: { sites: [{ name: 'here', type: 'libvirt', options }] as never } });
  }, PATIENCE_MS);

  afterAll(async () => {
    await server.close();
    for (const line of session.processes()) if (line.includes('qemu-system')) process.kill(Number.parseInt(line, 10));
    await session.close();
  }, PATIENCE_MS);

  /** What the media of all machines have said, one line a boot. */
  async function said(boots: number): Promise<readonly string[]> {
    const folder = join(session.home, 'machines');
    const until = performance.now() + PATIENCE_MS / 2;
    for (;;) {
      const consoles = readdirSync(folder).map((uuid) => join(folder, uuid, 'console.log'));
      const texts = consoles.map((file) => (existsSync(file) ? readFileSync(file, 'latin1') : ''));
      const lines = texts.flatMap((text) => text.split('\n').slice(0, -1)).sort();
      if (lines.length >= boots || performance.now() > until) return lines;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function deployed(text: string, media: Readonly<Record<string, Buffer>>): Promise<string> {
    const files = Object.entries(media).map(([name, bytes]) => [{ name }, bytes as unknown as string] as const);
    const body = await packed([[{ name: 'app.ovf' }, text], ...files]);
    const headers = { 'content-type': 'application/x-tar', accept: JSON_TYPE };
    const path = pathOf(await server.request('POST', '/appliance/', { headers, body }));
    await becomes(path, 'active');
    return path;
  }

  const becomes = (path: string, state: string): Promise<unknown> =>
    server.wait(path, ({ json }) => json.attributes[STATE] === state, { timeoutMs: PATIENCE_MS / 2 });

  async function startedAgain(path: string): Promise<void> {
    for (const [term, state] of [
      ['stop', 'inactive'],
      ['start', 'active'],
    ] as const) {
      expect((await actOn(client(), path, term)).status).toBe(200);
      await becomes(path, state);
    }
  }

  afterEach(async () => {
    await client().send('DELETE', '/appliance/');
    await untilNothingIsLeft(client(), PATIENCE_MS / 2);
    for (const folder of ['machines', 'volumes']) expect(readdirSync(join(session.home, folder))).toEqual([]);
  }, PATIENCE_MS);

  it.each([
    ['nothing says otherwise', '', 'root'],
    ['a BootDeviceSection names the second', bootDevices('5', '4'), 'rescue'],
    ['it names the CD', bootDevices('6', '4'), 'cd'],
    ['BootOrderSections of VMware name the second', bootOrder('5', '4'), 'rescue'],
  ])(
    'boots, and boots again, where %s',
    async (_, sections, medium) => {
      const media = Object.fromEntries(MEDIA.map((name) => [`${name}.img`, saying(`${name}\n`)]));
      const path = await deployed(descriptor(sections), media);
      expect(await said(1)).toEqual([medium]);
      await startedAgain(path);
      expect(await said(2)).toEqual([medium, medium]);
    },
    PATIENCE_MS,
  );

  it(
    'and another have one disk, if it is shared: what the first has written, the second reads',
    async () => {
      const disk = `<ovf2:SharedDisk ovf2:diskId="both" ovf2:capacity="1048576" ovf2:fileRef="f" ovf2:format="raw"/>`;
      const drive = item({ id: '1', type: 17, resource: 'ovf:/disk/both' });
      const order = ['a', 'b'].map((id, index) => `<Item ovf:id="${id}" ovf:order="${index}" ovf:startDelay="3"/>`);
      const text = envelope(
        collection(
          'app',
          system('a', { items: drive }) + system('b', { items: drive }),
          `<StartupSection><Info/>${order.join('')}</StartupSection>`,
        ),
        {
          references: '<File ovf:id="f" ovf:href="f.img"/>',
          sections: `<ovf2:SharedDiskSection ovf:required="false"><Info/>${disk}</ovf2:SharedDiskSection>`,
        },
      );
      const path = await deployed(text, { 'f.img': COUNTING });
      expect(await said(2)).toEqual(['1', '2']);
      expect(readdirSync(join(session.home, 'volumes')).filter((name) => name.endsWith('.raw'))).toHaveLength(1);
      await startedAgain(path);
      expect(await said(4)).toEqual(['1', '2', '3', '4']);
    },
    PATIENCE_MS,
  );
});
