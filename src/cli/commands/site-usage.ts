/** `vep sites usage`: what a site has recorded of machines that ran, and where that is not what VEP shows. */

import type { SiteUsage } from '../../client/index.js';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import type { Style } from '../ui/style.js';
import { table } from '../ui/table.js';

export async function siteUsage(
  session: Session,
  [name = '']: readonly string[],
  options: { readonly since?: string; readonly until?: string },
): Promise<ExitCode> {
  for (const [option, text] of Object.entries(options))
    if (['since', 'until'].includes(option) && Number.isNaN(Date.parse(text)))
      throw new UsageError(`--${option} is no instant`, 'write it like 2026-11-01 or 2026-11-01T08:00:00Z');
  const usage = await session.client.provider.siteUsage(name, { from: options.since, until: options.until });
  session.answer(usage, () => render(usage, session.style));
  return usage.differences.length > 0 ? EXIT.refused : EXIT.ok;
}

function render({ site, type, from, until, usage, runs, differences }: SiteUsage, style: Style): string {
  const groups = usage.map(({ group, machines, seconds, coreSeconds, memoryGibSeconds }) => [
    displayText(group),
    String(machines),
    ...[seconds, coreSeconds, memoryGibSeconds].map(hours),
  ]);
  const rows = runs.map((run) => [
    displayText(run.ref),
    displayText(run.id),
    displayText(run.group),
    displayText(run.host ?? ''),
    String(run.cores),
    instant(run.from),
    run.until === undefined ? 'running' : instant(run.until),
  ]);
  return [
    style.bold(
      `site ${displayText(site)} (${displayText(type)}), ${instant(from)} to ${instant(until)}, by its own record\n`,
    ),
    table(['GROUP', 'MACHINES', 'HOURS', 'CORE HOURS', 'GIB HOURS'], groups, style),
    table(['MACHINE', 'ID', 'GROUP', 'HOST', 'CORES', 'FROM', 'UNTIL'], rows, style),
    ...differences.map(
      ({ id, code, message }) =>
        `${style.red('differs')}: ${displayText(id)}: ${displayText(message)} [${displayText(code)}]\n`,
    ),
  ].join('');
}

function instant(at: number): string {
  return new Date(at).toISOString();
}

function hours(seconds: number): string {
  return (seconds / 3600).toFixed(2);
}
