/** `vep sites check`: asks each site what keeps it from being used, and says what to do about it. */

import type { SiteCheck } from '../../client/index.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { askSites } from '../site-source.js';
import { displayText } from '../ui/display-text.js';
import type { Style } from '../ui/style.js';

export async function checkSites(
  session: Session,
  [name]: readonly string[],
  { config }: { readonly config?: string },
): Promise<ExitCode> {
  const checks = await askSites(session, { name, config }, (source, each) => source.check(each));
  session.answer(checks, () => checks.map((check) => render(check, session.style)).join(''));
  return checks.some(({ findings }) => findings.length > 0) ? EXIT.refused : EXIT.ok;
}

function render({ site, type, findings }: SiteCheck, style: Style): string {
  const head = `site ${displayText(site)} (${displayText(type)})`;
  if (findings.length === 0) return `${style.green('ok')}: ${style.bold(head)}: nothing is missing\n`;
  return findings
    .map(
      ({ code, message, remedy }) =>
        `${style.red('failed')}: ${style.bold(head)}: ${displayText(message)} [${displayText(code)}]\n` +
        `  remedy: ${displayText(remedy)}\n`,
    )
    .join('');
}
