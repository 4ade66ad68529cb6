/** `vep list`: the entities of a kind as a table. */

import { APPLIANCE, type Located } from '../../client/index.js';
import { COMPUTE, isLinkView, type EntityView } from '../../occi/model.js';
import { entityJson, idOf, seenAt, stateOf } from '../entities.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import { stateSeen, type Style } from '../ui/style.js';
import { table } from '../ui/table.js';

export async function list(session: Session, [kind = 'appliance']: readonly string[]): Promise<void> {
  const found = await session.client.list(kind);
  session.answer(found.map(entityJson), () => {
    if (found.length === 0) return kind === 'appliance' ? 'no appliances yet: see `vep help deploy`\n' : 'nothing\n';
    return render(found, session.style);
  });
}

function render(found: readonly Located[], style: Style): string {
  const columns = found.every(({ view }) => view.kind === APPLIANCE)
    ? APPLIANCE_COLUMNS
    : found.every(({ view }) => view.kind === COMPUTE)
      ? COMPUTE_COLUMNS
      : COLUMNS;
  const rows = found.map(({ view }) => [
    displayText(view.title ?? ''),
    stateSeen(style, stateOf(view), seenAt(view)),
    ...columns.map(([, cell]) => displayText(cell(view))),
    idOf(view),
  ]);
  return table(['TITLE', 'STATE', ...columns.map(([title]) => title), 'ID'], rows, style);
}

type Column = readonly [title: string, cell: (view: EntityView) => string];

const attribute =
  (name: string): Column[1] =>
  (view) => {
    const value = view.attributes[name];
    return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
  };

const APPLIANCE_COLUMNS: readonly Column[] = [
  [
    'MACHINES',
    (view) => String(isLinkView(view) ? '' : view.links.filter((link) => link.target.kind === COMPUTE).length),
  ],
  ['MESSAGE', attribute('eu.contrail-project.appliance.state.message')],
];
const COMPUTE_COLUMNS: readonly Column[] = [
  ['CORES', attribute('occi.compute.cores')],
  ['GIB', attribute('occi.compute.memory')],
  ['SITE', attribute('eu.contrail-project.ovf.placed')],
];
const COLUMNS: readonly Column[] = [['KIND', (view) => view.kind.slice(view.kind.indexOf('#') + 1)]];
