/** `vep image-lists`: the signed lists that the server subscribes to, what they offer, and looking at them anew. */

import type { ImageListReport } from '../../client/image-list-report.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import { faultLines } from '../ui/faults.js';
import { table } from '../ui/table.js';

/** Ends with 1 when a list could not be accepted. */
export async function showImageLists(
  session: Session,
  _args: readonly string[],
  options: { readonly refresh?: boolean },
): Promise<ExitCode> {
  const lists = await session.client.provider.imageLists(options.refresh === true);
  session.answer(lists, () => render(lists, session));
  return lists.every(({ faults }) => faults.length === 0) ? EXIT.ok : EXIT.refused;
}

function render(lists: readonly ImageListReport[], { style }: Session): string {
  const rows = lists.map(({ name, vo, version, expires, images }) => [
    name,
    displayText(vo),
    displayText(version ?? 'none yet'),
    expires === undefined ? '' : new Date(expires).toISOString().slice(0, 10),
    String(images.filter(({ withdrawn }) => !withdrawn).length),
  ]);
  const offered = lists.flatMap(({ name, images }) =>
    images.map(({ template, title, withdrawn }) => [
      name,
      displayText(title),
      withdrawn ? 'withdrawn' : 'offered',
      displayText(template),
    ]),
  );
  const images = offered.length === 0 ? '' : `\n${table(['LIST', 'IMAGE', 'STATE', 'TEMPLATE'], offered, style)}`;
  const faults = lists.flatMap((list) => list.faults);
  return table(['LIST', 'VO', 'VERSION', 'UNTIL', 'IMAGES'], rows, style) + images + faultLines(faults, style);
}
