/**
 * Whether machines get onto the bridge: that it is there says nothing of the rights that a session needs for it. So a
 * machine without disks is put there, halted, and taken away again.
 */

import { stat } from 'node:fs/promises';
import { newUuid } from '../../../base/ids.js';
import { messageOf } from '../../../base/errors.js';
import { xml, xmlText } from '../../translation/xml.js';
import type { CallOptions, SiteFinding } from '../../adapter.js';
import type { Home } from './home.js';
import type { LibvirtOptions } from './options.js';
import type { Virsh } from './virsh.js';

export interface BridgeServices {
  readonly home: Home;
  readonly virsh: Virsh;
  readonly options: LibvirtOptions;
}

/** @throws IaasError `transient` for a libvirt that does not answer */
export async function checkBridge(
  { home, virsh, options }: BridgeServices,
  call: CallOptions,
): Promise<readonly SiteFinding[]> {
  const { bridge } = options.networks;
  if (bridge === undefined) return [];
  const there = await stat(`/sys/class/net/${bridge}/bridge`).then(
    () => true,
    () => false,
  );
  if (!there) {
    const remedy = `make it: ip link add ${bridge} type bridge, ip link set ${bridge} up`;
    return [{ code: 'libvirt.bridge', message: `this machine has no bridge ${bridge}`, remedy }];
  }
  for (let tries = 1; ; tries += 1) {
    const words = await refusal({ home, virsh }, bridge, call);
    if (words === undefined) return [];
    const remedy = remedyOf(words, bridge);
    if (remedy === undefined && tries < MOST_TRIES) continue;
    const message = `no machine gets onto the bridge ${bridge}: ${words}`;
    return [{ code: 'libvirt.bridge', message, remedy: remedy ?? 'see what libvirt says of it' }];
  }
}

/** libvirt does not always wait for what QEMU's bridge helper has to say, and then has no reason to tell. */
const MOST_TRIES = 5;

/** What keeps a machine from the bridge, in libvirt's words; undefined when nothing does. */
async function refusal(
  { home, virsh }: Pick<BridgeServices, 'home' | 'virsh'>,
  bridge: string,
  call: CallOptions,
): Promise<string | undefined> {
  const uuid = newUuid();
  await home.makeMachine(uuid);
  try {
    await virsh.do('create', [await home.write(uuid, 'domain.xml', probe(uuid, bridge)), '--paused'], call);
    await virsh.do('destroy', [uuid], call);
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    await home.removeMachine(uuid);
  }
}

function probe(uuid: string, bridge: string): string {
  return xmlText(
    xml('domain', { type: 'qemu' }, [
      xml('name', {}, `probe-${uuid}`),
      xml('uuid', {}, uuid),
      xml('memory', { unit: 'MiB' }, '16'),
      xml('vcpu', {}, '1'),
      xml('os', {}, [xml('type', { arch: 'x86_64', machine: 'q35' }, 'hvm')]),
      xml('devices', {}, [
        xml('interface', { type: 'bridge' }, [xml('source', { bridge }), xml('model', { type: 'virtio' })]),
      ]),
    ]),
  );
}

/** By the words of QEMU's bridge helper, which a session needs. */
function remedyOf(words: string, bridge: string): string | undefined {
  if (/acl file|bridge\.conf/i.test(words)) return `put a line into /etc/qemu/bridge.conf: allow ${bridge}`;
  if (/tun device|not permitted/i.test(words))
    return "give QEMU's bridge helper its set-user bit: chmod u+s /usr/lib/qemu/qemu-bridge-helper (Fedora: /usr/libexec)";
  return undefined;
}
