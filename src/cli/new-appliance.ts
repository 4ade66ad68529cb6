/** The appliance that the options of `vep deploy` and `vep plan` describe: package, inputs, agreement and choices (K04). */

import { messageOf } from '../base/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/json.js';
import { mergeInputs, type NewAppliance } from '../client/index.js';
import { applianceSource, readNamed, type ApplianceSource } from './appliance-source.js';
import { UsageError } from './exit-codes.js';
import type { Session } from './session.js';

export interface ApplianceOptions {
  readonly sla?: string;
  readonly agreement?: string;
  readonly inputs?: string;
  readonly property?: readonly string[];
  readonly network?: readonly string[];
  readonly on?: readonly string[];
  readonly configuration?: string;
  readonly acceptEulas?: boolean;
  /** Tag of BCP 47. */
  readonly language?: string;
  readonly site?: string;
  readonly title?: string;
  readonly keepOnFailure?: boolean;
}

/**
 * Sends it by `send`. An upload that was made for it has done its service then, whatever came of it: it would lie for a day, and
 * count in what its principal may have.
 */
export async function sendingAppliance<T>(
  session: Session,
  name: string,
  options: ApplianceOptions,
  send: (appliance: NewAppliance) => Promise<T>,
): Promise<T> {
  const { upload, ...source } = await applianceSource(session, name);
  try {
    return await send(await newAppliance(session, source, options));
  } finally {
    if (upload !== undefined) await session.client.giveUpUpload(upload).catch(() => undefined);
  }
}

async function newAppliance(
  session: Session,
  source: Omit<ApplianceSource, 'upload'>,
  options: ApplianceOptions,
): Promise<NewAppliance> {
  const { sla, agreement, configuration, site, title, keepOnFailure } = options;
  const inputs = await inputsOf(session, options);
  const slaBytes = sla === undefined ? undefined : await readNamed(session, sla, '--sla');
  return {
    ...source,
    ...(slaBytes ? { sla: slaBytes } : {}),
    ...(agreement === undefined ? {} : { agreement }),
    ...(Object.keys(inputs).length === 0 ? {} : { inputs }),
    ...(configuration === undefined ? {} : { configuration }),
    ...(site === undefined ? {} : { site }),
    ...(title === undefined ? {} : { title }),
    ...(keepOnFailure === true ? { keepOnFailure } : {}),
  };
}

/** `{properties, networks, eulas, sites, language, credentials}` of a file, with what was given one by one going before. */
export async function inputsOf(session: Session, options: ApplianceOptions): Promise<JsonObject> {
  const properties = pairs(options.property, '--property');
  const networks = pairs(options.network, '--network');
  const sites = pairs(options.on, '--on');
  const given = {
    ...(properties ? { properties } : {}),
    ...(networks ? { networks } : {}),
    ...(sites ? { sites } : {}),
    ...(options.acceptEulas === true ? { eulas: 'all' } : {}),
    ...(options.language === undefined ? {} : { language: options.language }),
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
  const { configuration } = options;
  return mergeInputs(file, configuration === undefined ? given : { ...given, configuration });
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
