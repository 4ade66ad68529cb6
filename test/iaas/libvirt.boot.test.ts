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
import { describeWith } from '../support/counterparts.js';
import { startTestServer, type TestServer } from '../support/server.js';
import { PROGRAMS, Session } from './libvirt-harness.js';

const PATIENCE_MS = 120_000;
const MEDIA = ['root', 'rescue', 'cd'] as const;

const SERIAL = [0xba, 0xf8, 0x03]; // mov dx, 0x3f8
const WRITE = 0xee; // out dx, al
const HALT = [0xfa, 0xf4, 0xeb, 0xfd]; // cli; hlt; jmp back to the hlt

/** A disk whose first sector, loaded at 0x7c00, is the code. */
function starting(...code: readonly number[]): Buffer {
  const disk = Buffer.alloc(2 ** 20);
  Buffer.from(code).copy(disk);
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}

/** Writes a text to the first serial port. */
function saying(text: string): Buffer {
  const letters = [...text].flatMap((letter) => [0xb0, letter.charCodeAt(0), WRITE]); // mov al, letter
  return starting(...SERIAL, ...letters, ...HALT);
}

/** Counts on the disk itself how often it has been booted, and writes the number to the first serial port. */
const COUNTING = starting(
  ...[0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0], // xor ax, ax; mov ds, ax; mov es, ax; mov ss, ax
  ...[0xbc, 0x00, 0x7c, 0xb6, 0x00], // mov sp, 0x7c00; mov dh, 0
  ...[0xbb, 0x00, 0x7e, 0xb9, 0x02, 0x00], // mov bx, 0x7e00; mov cx, 2: the second sector
  ...[0xb8, 0x01, 0x02, 0xcd, 0x13], // mov ax, 0x0201; int 0x13: read it
  ...[0xfe, 0x06, 0x00, 0x7e], // inc byte [0x7e00]
  ...[0xb9, 0x02, 0x00, 0xb8, 0x01, 0x03, 0xcd, 0x13], // mov cx, 2; mov ax, 0x0301; int 0x13: write it
  ...[0xa0, 0x00, 0x7e, 0x04, 0x30, ...SERIAL, WRITE], // mov al, [0x7e00]; add al, '0'
  ...[0xb0, 0x0a, WRITE, ...HALT],
);

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
