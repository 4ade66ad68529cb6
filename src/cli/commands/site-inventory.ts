/** `vep sites inventory`: hosts, networks and images of a site, as VEP sees them when it plans. */

import type { SiteInventory } from '../../client/index.js';
import type { Session } from '../session.js';
import { askSites } from '../site-source.js';
import { displayText } from '../ui/display-text.js';
import { stateIn, type Style } from '../ui/style.js';
import { table } from '../ui/table.js';

export async function inventory(
  session: Session,
  [name]: readonly string[],
  { config }: { readonly config?: string },
): Promise<void> {
  const found = await askSites(session, { name, config }, (source, each) => source.inventory(each));
  session.answer(found, () => found.map((site) => render(site, session.style)).join('\n'));
}

function render(inventory: SiteInventory, style: Style): string {
  const { site, type, hosts, networks, images, storageFreeBytes } = inventory;
  const quota = inventory.quotaIsShared && hosts.length > 1 ? ', one quota for all hosts' : '';
  const title = `site ${displayText(site)} (${displayText(type)}), ${gib(storageFreeBytes)} GiB of disk free${quota}\n`;
  const hostRows = hosts.map((host) => [
    displayText(host.name),
    stateIn(style, host.up ? 'up' : 'down'),
    displayText(`${host.country} / ${host.zone} / ${host.rack}`),
    `${host.freeCores}/${host.cores}`,
    `${gib(host.freeMemoryBytes)}/${gib(host.memoryBytes)}`,
    displayText(host.traits.join(' ')),
  ]);
  const networkRows = networks.map(({ ref, name, cidr, shared }) => [
    displayText(ref),
    displayText(name),
    displayText(cidr ?? ''),
    shared ? 'yes' : 'no',
  ]);
  const imageRows = images.map(({ ref, name, format, sizeBytes }) => [
    displayText(ref),
    displayText(name),
    displayText(format),
    String(gib(sizeBytes)),
  ]);
  return [
    style.bold(title),
    table(['HOST', 'STATUS', 'PLACE', 'CORES FREE', 'GIB FREE', 'TRAITS'], hostRows, style),
    table(['NETWORK', 'NAME', 'RANGE', 'SHARED'], networkRows, style),
    table(['IMAGE', 'NAME', 'FORMAT', 'GIB'], imageRows, style),
  ].join('');
}

function gib(bytes: number): number {
  return Math.round((bytes / 2 ** 30) * 10) / 10;
}
