/** `vep deploy` and `vep plan`: an OVF package goes to the server, and what becomes of it is shown. */

import { isJsonObject, type JsonObject, type JsonValue } from '../../base/json.js';
import { messageOf } from '../../base/errors.js';
import { mergeInputs, type NewAppliance } from '../../client/index.js';
import { applianceSource, readNamed } from '../appliance-source.js';
import { reportOn } from '../appliance-report.js';
import { entityJson } from '../entities.js';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.js';
import { follow } from '../follow.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import { tree } from '../ui/tree.js';
import { planText } from '../ui/plan-text.js';
import { applianceTree } from './show.js';

export interface DeployOptions {
  readonly sla?: string;
  readonly agreement?: string;
  readonly inputs?: string;
  readonly property?: readonly string[];
  readonly network?: readonly string[];
  readonly configuration?: string;
  readonly acceptEulas?: boolean;
  readonly site?: string;
  readonly title?: string;
  readonly dryRun?: boolean;
  readonly keepOnFailure?: boolean;
  readonly watch?: boolean;
  readonly timeout?: number;
}

export async function deploy(session: Session, args: readonly string[], options: DeployOptions): Promise<ExitCode> {
  if (options.dryRun === true) return plan(session, args, options);
  const { client } = session;
  const appliance = await newAppliance(session, args[0] ?? '', options);
  const { path, view } = await client.createAppliance(appliance);
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
  const report = await reportOn(client, await client.get(path));
  session.answer(report, () => tree(applianceTree(report, session.style)));
  return exit;
}

export async function plan(
  session: Session,
  [name = '']: readonly string[],
  options: DeployOptions,
): Promise<ExitCode> {
  const dryRun = await session.client.planAppliance(await newAppliance(session, name, options));
  session.answer(dryRun, () => planText(dryRun, session.style));
  return dryRun.deployable ? EXIT.ok : EXIT.refused;
}

async function newAppliance(session: Session, name: string, options: DeployOptions): Promise<NewAppliance> {
  const { sla, agreement, configuration, site, title, keepOnFailure } = options;
  const inputs = await inputsOf(session, options);
  const slaBytes = sla === undefined ? undefined : await readNamed(session, sla, '--sla');
  return {
    ...(await applianceSource(session, name)),
    ...(slaBytes ? { sla: slaBytes } : {}),
    ...(agreement === undefined ? {} : { agreement }),
    ...(Object.keys(inputs).length === 0 ? {} : { inputs }),
    ...(configuration === undefined ? {} : { configuration }),
    ...(site === undefined ? {} : { site }),
    ...(title === undefined ? {} : { title }),
    ...(keepOnFailure === true ? { keepOnFailure } : {}),
  };
}

async function inputsOf(session: Session, options: DeployOptions): Promise<JsonObject> {
  const properties = pairs(options.property, '--property');
  const networks = pairs(options.network, '--network');
  const given = {
    ...(properties ? { properties } : {}),
    ...(networks ? { networks } : {}),
    ...(options.acceptEulas === true ? { eulas: 'all' } : {}),
  };
  if (options.inputs === undefined) return given;
  const text = (await readNamed(session, options.inputs, '--inputs')).toString('utf8');
  let file: JsonValue;
  try {
    file = JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new UsageError(`the file of --inputs is not JSON: ${messageOf(error)}`);
  }
  if (!isJsonObject(file))
    throw new UsageError('the file of --inputs is not a JSON object', 'write {"properties": {…}}');
  return mergeInputs(file, given);
}

/** `key=value`; the value may hold further equals signs. */
function pairs(given: readonly string[] | undefined, option: string): JsonObject | undefined {
  if (given === undefined) return undefined;
  return Object.fromEntries(
    given.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 1)
        throw new UsageError(`${option} ${JSON.stringify(pair)} has no "="`, `write ${option} name=value`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}
