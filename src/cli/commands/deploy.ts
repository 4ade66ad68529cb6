/** `vep deploy`: an OVF package goes to the server, and what becomes of it is shown. */

import { patiently } from '../../client/index.js';
import { reportOn } from '../appliance-report.js';
import { entityJson } from '../entities.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import { follow } from '../follow.js';
import { sendingAppliance, type ApplianceOptions } from '../new-appliance.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import { tree } from '../ui/tree.js';
import { plan } from './plan.js';
import { applianceTree } from './show.js';

export interface DeployOptions extends ApplianceOptions {
  readonly dryRun?: boolean;
  readonly watch?: boolean;
  readonly timeout?: number;
}

export async function deploy(session: Session, args: readonly string[], options: DeployOptions): Promise<ExitCode> {
  if (options.dryRun === true) return plan(session, args, options);
  const { client } = session;
  const { path, view } = await sendingAppliance(session, args[0] ?? '', options, (appliance) =>
    client.createAppliance(appliance),
  );
  session.note(`${displayText(view.title ?? 'appliance')}: accepted as ${client.endpoint}${path}`);
  if (options.watch !== true) {
    session.answer(entityJson({ path, view }), () => `${client.endpoint}${path}\n`);
    return EXIT.ok;
  }
  const watched = {
    path,
    since: 0,
    operations: 1,
    known: [],
    until: 'active',
    ...(options.timeout === undefined ? {} : { timeout: options.timeout }),
  };
  const { exit, state, message } = await follow(session, watched);
  if (exit !== EXIT.ok) session.note(`${state}${message === undefined ? '' : `: ${displayText(message)}`}`);
  const report = await patiently(session.terminal.clock, async () => reportOn(client, await client.get(path)));
  session.answer(report, () => tree(applianceTree(report, session.style)));
  return exit;
}
