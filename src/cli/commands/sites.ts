/** `vep sites`: the sites of the server, whether they answer and how much of them is free. For administrators. */

import type { SiteReport } from '../../client/index.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import { minute, stateIn, type Style } from '../ui/style.js';
import { table } from '../ui/table.js';

export async function sites(session: Session): Promise<void> {
  const found = await session.client.provider.sites();
  session.answer(found, () => render(found, session.terminal.clock.now(), session.style));
}

function render(found: readonly SiteReport[], now: number, style: Style): string {
  const rows = found.map(({ name, type, up, capacity, lastError }) => [
    displayText(name),
    displayText(type),
    `${stateIn(style, up ? 'up' : 'down')}${up || !capacity ? '' : ` (figures of ${minute(now - capacity.ageMs)})`}`,
    capacity ? `${capacity.hosts.up}/${capacity.hosts.total}` : '',
    capacity ? `${capacity.cores.free}/${capacity.cores.total}` : '',
    capacity ? `${gib(capacity.memoryBytes.free)}/${gib(capacity.memoryBytes.total)}` : '',
    capacity ? String(gib(capacity.storageFreeBytes)) : '',
    capacity ? displayText(capacity.countries.join(' ')) : '',
    up || !lastError ? '' : displayText(lastError.message),
  ]);
  const header = [
    'NAME',
    'TYPE',
    'STATUS',
    'HOSTS UP',
    'CORES FREE',
    'GIB FREE',
    'DISK GIB FREE',
    'COUNTRIES',
    'LAST ERROR',
  ];
  return table(header, rows, style);
}

function gib(bytes: number): number {
  return Math.round(bytes / 2 ** 30);
}
