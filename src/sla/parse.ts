/**
 * VEP's own agreement document (`spec/sla.md` §2, `application/vnd.vep.sla+json`): from JSON to the model, once, with
 * all that is wrong with it.
 */

import { Problem, type Fault } from '../base/errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../base/json.js';
import { isUuid } from '../base/ids.js';
import { readJson } from '../occi/json/read.js';
import {
  ACROSS,
  AGGREGATES,
  ITEM_KINDS,
  type Agreement,
  type Item,
  type Parties,
  type Party,
  type Service,
  type Variable,
} from './agreement.js';
import { Faults, Fields } from './fields.js';
import { parseTerm } from './parse-term.js';
import { metricOf } from './vocabulary.js';

export const AGREEMENT_TYPE = 'application/vnd.vep.sla+json';
export const API_VERSION = 'vep.sla/v1';
/** Largest document, in characters. */
export const LONGEST_AGREEMENT = 1024 * 1024;

const MOST_TERMS = 500;
const MOST_ITEMS = 5000;
const MOST_SERVICES = 100;
const MOST_VARIABLES = 500;

/**
 * Reads an agreement from the text of its document.
 * @throws Problem `too-large`, `malformed` (with line and column) or `invalid` (with JSON pointers), with every fault
 */
export function parseAgreementText(text: string): Agreement {
  if (text.length > LONGEST_AGREEMENT) {
    throw new Problem('too-large', {
      code: 'sla.too-large',
      message: `an agreement has at most ${LONGEST_AGREEMENT} characters`,
      remedy: 'split it, or shorten its terms',
    });
  }
  const { value, faults } = readJson(text);
  if (faults.length > 0) throw new Problem('malformed', faults);
  return parseAgreement(value);
}

/**
 * Reads an agreement from parsed JSON. Unknown members are faults everywhere except inside `extensions`.
 * @throws Problem `invalid` with every fault
 */
export function parseAgreement(json: JsonValue): Agreement {
  const faults = new Faults();
  const fields = new Fields(json, '', faults);
  const agreement = readAgreement(fields);
  fields.end();
  if (faults.list.length > 0) throw new Problem('invalid', faults.list satisfies readonly Fault[]);
  return agreement;
}

function readAgreement(fields: Fields): Agreement {
  const version = fields.text('apiVersion');
  if (fields.required('apiVersion', version, API_VERSION) !== API_VERSION) {
    fields.wrong('apiVersion', 'this version is not known', `write ${API_VERSION}`, version);
  }
  const kind = fields.required<Agreement['kind']>('kind', fields.oneOf('kind', ['Agreement', 'Template']), 'Agreement');
  const id = readId(fields, kind);
  const templateId = fields.text('templateId', /^[A-Za-z0-9._-]{1,64}$/, 'write 1 to 64 letters, digits, . _ -');
  const effectiveFrom = fields.time('effectiveFrom') ?? null;
  const effectiveUntil = fields.time('effectiveUntil') ?? null;
  if (effectiveFrom !== null && effectiveUntil !== null && effectiveUntil <= effectiveFrom) {
    fields.faults.add('sla.bounds', fields.at('effectiveUntil'), 'it ends before it begins', 'choose a later end');
  }
  const services = fields.objects('services', MOST_SERVICES, readService);
  const variables = fields.objects('variables', MOST_VARIABLES, readVariable);
  const items = services.flatMap((service) => service.items);
  refuseRepeats(
    fields,
    'services',
    'sla.item.duplicate',
    items.map((item) => item.id),
  );
  refuseRepeats(
    fields,
    'variables',
    'sla.variable.duplicate',
    variables.map((variable) => variable.name),
  );
  const context = {
    items: new Map(items.map((item) => [item.id, item])),
    variables: new Map(variables.map((variable) => [variable.name, variable])),
  };
  const terms = fields.objects('terms', MOST_TERMS, (term) => parseTerm(term, context));
  fields.required('terms', fields.raw('terms'), []);
  const known = terms.filter((term) => term !== undefined);
  refuseRepeats(
    fields,
    'terms',
    'sla.term.duplicate',
    known.map((term) => term.id),
  );
  return {
    kind,
    id,
    name: fields.text('name', /^.{1,256}$/u, 'write at most 256 characters') ?? id,
    ...(templateId === undefined ? {} : { templateId }),
    revision: fields.integer('revision', 1, 1_000_000) ?? 1,
    parties: readParties(fields, kind),
    effectiveFrom,
    effectiveUntil,
    agreedAt: fields.time('agreedAt') ?? null,
    application: readApplication(fields),
    services,
    variables,
    terms: known,
    extensions: readExtensions(fields),
  };
}

function readId(fields: Fields, kind: Agreement['kind']): string {
  const id = fields.required('id', fields.text('id'), '');
  if (kind === 'Agreement' && id !== '' && !isUuid(id)) fields.wrong('id', 'this is no UUID', 'write a UUID', id);
  if (kind === 'Template' && id !== '' && !/^[A-Za-z0-9._-]{1,64}$/.test(id)) {
    fields.wrong('id', 'this is no template id', 'write 1 to 64 letters, digits, . _ -', id);
  }
  return id;
}

function readApplication(fields: Fields): string | null {
  const application = fields.text('application');
  if (application === undefined || isUuid(application)) return application ?? null;
  return fields.wrong('application', 'this is no UUID', 'write a UUID, or null', application) ?? null;
}

function readParties(fields: Fields, kind: Agreement['kind']): Parties | null {
  const parties = fields.object('parties', (both) => ({
    customer: readParty(both, 'customer'),
    provider: readParty(both, 'provider'),
    initiator: both.oneOf('initiator', ['customer', 'provider']) ?? 'customer',
  }));
  return kind === 'Agreement' ? fields.required<Parties | null>('parties', parties, null) : (parties ?? null);
}

function readParty(fields: Fields, name: 'customer' | 'provider'): Party {
  const party = fields.object(name, (one) => {
    const vo = one.text('vo', /^.{1,1024}$/u, 'write the name of a Virtual Organization');
    return {
      id: one.required('id', one.text('id', /^.{1,1024}$/u, 'write who it is'), ''),
      ...(vo === undefined ? {} : { vo }),
    };
  });
  return fields.required(name, party, { id: '' });
}

function readService(fields: Fields): Service {
  const ovf = fields.object('ovf', (descriptor) => {
    const href = descriptor.text('href');
    const sha256 = descriptor.text('sha256', /^[0-9a-fA-F]{64}$/, 'write the SHA-256 of the descriptor in hex');
    return {
      ...(href === undefined ? {} : { href }),
      ...(sha256 === undefined ? {} : { sha256: sha256.toLowerCase() }),
    };
  });
  return {
    name: fields.required('name', fields.text('name', /^.{1,256}$/u, 'write a name'), ''),
    ...(ovf === undefined ? {} : { ovf }),
    items: fields.objects('items', MOST_ITEMS, readItem),
  };
}

function readItem(fields: Fields): Item {
  const kind = fields.required('kind', fields.oneOf('kind', ITEM_KINDS), 'Application');
  const ref = fields.text('ref', /^.{1,1024}$/u, 'write the id of the OVF item');
  if (fields.has('kind') && kind === 'Application' && ref !== undefined) {
    fields.wrong('ref', 'an Application is the whole appliance', 'leave ref out', ref);
  }
  if (kind !== 'Application') fields.required('ref', ref, '');
  return {
    id: fields.required('id', fields.text('id', /^.{1,256}$/u, 'write an id'), ''),
    kind,
    ...(ref === undefined ? {} : { ref }),
  };
}

function readVariable(fields: Fields): Variable {
  const metric = fields.required('metric', fields.text('metric'), '');
  if (metric !== '' && metricOf(metric)?.dynamic !== true) {
    fields.faults.add(
      'sla.metric',
      fields.at('metric'),
      'this metric is not measured',
      'name a metric that is',
      metric,
    );
  }
  const aggregate = fields.oneOf('aggregate', AGGREGATES);
  const window = fields.seconds('window');
  const across = fields.oneOf('across', ACROSS);
  return {
    name: fields.required('name', fields.text('name', /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/, 'write a name'), ''),
    metric,
    ...(aggregate === undefined ? {} : { aggregate }),
    ...(window === undefined ? {} : { window }),
    ...(across === undefined ? {} : { across }),
  };
}

function readExtensions(fields: Fields): JsonObject {
  const extensions = fields.raw('extensions') ?? {};
  return isJsonObject(extensions)
    ? extensions
    : (fields.wrong('extensions', 'this must be an object', 'write { }') ?? {});
}

function refuseRepeats(fields: Fields, name: string, code: string, ids: readonly string[]): void {
  const seen = new Set<string>();
  for (const id of ids) {
    if (id !== '' && seen.has(id))
      fields.faults.add(code, fields.at(name), 'this id is used twice', 'choose another', id);
    seen.add(id);
  }
}
