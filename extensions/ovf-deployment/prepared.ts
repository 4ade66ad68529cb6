/**
 * An appliance made ready before its transaction begins: package received, descriptor judged, plan made, images located.
 * Everything the request can be refused for on account of the document is found here, all of it at once.
 */

import { createHash } from 'node:crypto';
import { hasErrors, Problem, problem, throwIfFaulty, type Fault } from '../../src/base/errors.js';
import type { JsonObject, JsonValue } from '../../src/base/json.js';
import type { NewEntity } from '../../src/extension/entity-draft.js';
import type { RequestContext } from '../../src/extension/extension.js';
import { withoutSites } from '../../src/iaas/accounts.js';
import type { Attributes } from '../../src/occi/model.js';
import type { CategoryRegistry } from '../../src/occi/registry.js';
import {
  checkCompleteness,
  languageFor,
  NO_INPUTS,
  parsePlanInputs,
  planEnvelope,
  readDescriptor,
  utf8Text,
  type DeploymentInputs,
  type OvfSchemas,
  type PlanInputs,
  type PlanResult,
  type ReadEnvelope,
} from '../../src/ovf/index.js';
import { UNSIGNED, type Signature } from '../../src/ovf/package/certificate.js';
import { checkCredentials } from '../../src/transfer/source-credentials.js';
import type { PreparationServices } from './appliance-services.js';
import { companionFindings, companionOrigins } from './companions.js';
import { filesInPieces, oversizedFiles } from './environment-files.js';
import { filesNotBeside } from './files-beside.js';
import type { Applicant, Governance, Governed } from './governance.js';
import { takesWhole } from './hand-over.js';
import { seenImages } from './image-findings.js';
import { sizedByImages } from './image-sizes.js';
import { withMappedNetworks } from './mapped-networks.js';
import { layoutOn, readWish, withSites, type Layout, type SiteWish } from './layout.js';
import { withMessages } from './messages.js';
import { throughAccounts, type OwnAccounts } from './own-accounts.js';
import { imageOrigins, isOpen, originsOf, type ImageOrigins, type Package } from './package.js';
import { FETCH_MS } from './package-by-url.js';
import { receivePackage } from './receive.js';
import { refusedUrls } from './refused-urls.js';
import { inputsAsSent } from './sent-inputs.js';
import { refusedSignature } from './signature-policy.js';
import { siteFindings } from './site-findings.js';
import { templateOrigins } from './template-images.js';
import { OVF_CONFIGURATION, OVF_INPUTS, OVF_SITE, OVF_URL } from './vocabulary.js';

/** What a dry run shows and a deployment begins with. */
export class PreparedDeployment {
  readonly result: PlanResult;
  readonly descriptor: string;
  readonly digest: string;
  readonly images: ImageOrigins;
  /** Where the package is, if the request named it by URL. */
  readonly packageUrl: string | undefined;
  /** Every `ovf:href` of the descriptor. */
  readonly references: readonly string[];
  /** Where it would be; as far as nothing stands against it. */
  readonly layout: Layout;
  readonly inputs: DeploymentInputs;
  /** The accounts that credentials of the user's own have been brought for. */
  readonly own: OwnAccounts;
  /** The inputs as they were sent, for a site that deploys the appliance by itself. */
  readonly sentInputs: JsonObject;
  /** Findings of the package itself, beside those of the plan. */
  readonly findings: readonly Fault[];
  /** Absent while the work has to look for a certificate. */
  readonly signature: Signature | undefined;

  /** What agreement and sites say; absent where the document stands against it already. */
  readonly judgement: Judgement | undefined;

  constructor(parts: Omit<PreparedDeployment, 'allFindings' | 'governed'>) {
    this.result = parts.result;
    this.descriptor = parts.descriptor;
    this.digest = parts.digest;
    this.images = parts.images;
    this.packageUrl = parts.packageUrl;
    this.references = parts.references;
    this.layout = parts.layout;
    this.judgement = parts.judgement;
    this.inputs = parts.inputs;
    this.own = parts.own;
    this.sentInputs = parts.sentInputs;
    this.findings = parts.findings;
    this.signature = parts.signature;
  }

  /**
   * What was settled about plan, agreement and places.
   *
   * @throws Problem `invalid` with everything that is wrong with the document, otherwise what agreement and sites refuse
   */
  governed(): Governed {
    throwIfFaulty('invalid', this.allFindings);
    if (!this.result.plan) throw new Problem('invalid', blocking(this.result));
    if (this.judgement && 'governed' in this.judgement) return this.judgement.governed;
    throw (
      this.judgement?.refusal ?? problem('internal', 'appliance.not-admitted', 'the appliance has not been admitted')
    );
  }

  get allFindings(): readonly Fault[] {
    return [...this.findings, ...this.result.findings];
  }
}

/** Admitted, or why not. */
export type Judgement = { readonly governed: Governed } | { readonly refusal: Problem };

export async function prepareDeployment(
  services: PreparationServices,
  context: RequestContext,
  registry: CategoryRegistry,
  entity: NewEntity,
): Promise<PreparedDeployment> {
  const { sites, accounts } = services;
  const { attributes } = entity.resolved;
  const inputs = inputsOf(attributes[OVF_INPUTS], attributes[OVF_CONFIGURATION]);
  const own = await accounts.propose(
    inputs.credentials,
    sites.names.some((name) => takesWhole(sites, name)),
  );
  try {
    return await prepareWith(services, { ...context, registry }, entity, throughOwn(inputs, own), own);
  } catch (error) {
    await accounts.withdraw(own.values());
    throw error;
  }
}

/** The inputs with the accounts in the places of their sites, and without their credentials. */
function throughOwn(inputs: DeploymentInputs, own: OwnAccounts): DeploymentInputs {
  const sites = Object.entries(inputs.sites).map(([item, names]) => [item, throughAccounts(own, names)] as const);
  return { ...inputs, sites: Object.fromEntries(sites), credentials: withoutSites(inputs.credentials, own) };
}

async function prepareWith(
  services: PreparationServices,
  context: RequestContext & { readonly registry: CategoryRegistry },
  entity: NewEntity,
  inputs: DeploymentInputs,
  own: OwnAccounts,
): Promise<PreparedDeployment> {
  const { attributes } = entity.resolved;
  const attachments = entity.attachments ?? [];
  const { sites, governance } = services;
  const wanted = throughAccounts(own, textOf(attributes[OVF_SITE]));
  const known = [...sites.names, ...own.values()];
  const { wish, faults: unknown } = readWish(governance.policy, known, wanted, inputs.sites, own);
  throwIfFaulty('invalid', unknown);
  const languages = inputs.language === undefined ? context.languages : [inputs.language];
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(FETCH_MS)]);
  const fetching = { credentials: inputs.credentials, signal, bundles: languages.length > 0 };
  const received = await receivePackage(services, context, attachments, urlOf(attributes), fetching);
  const digest = createHash('sha256').update(received.descriptor).digest('hex');
  const read = readable(digest, received, inputs, services.schemas);
  const told = await withMessages(services, received, read, languages, fetching);
  const planned = planEnvelope(told, withLanguage(inputs, languageFor(told.envelope, languages)), 'lenient');
  const { images = [], files = [] } = planned.draft ?? {};
  const needed = [...images, ...files];
  const { origins, missing } = originsOf(needed, received);
  const companions = companionOrigins(told.envelope, received, needed);
  const templated = await templateOrigins(images, services.templates, context);
  const seen = await seenImages(services.blobs, planned.draft, told.envelope, origins);
  const sized = sizedByImages(planned, seen.sizes);
  const mapped = await withMappedNetworks(services, context, sized, wish.candidates);
  const { result, faults } = withSites(mapped.result, wanted, inputs.sites);
  // Whether the work will look for a signature; where it will not, there is none.
  const judged = received.signature ?? (isOpen(origins) ? undefined : UNSIGNED);
  const findings = [
    ...received.findings,
    ...refusedSignature(services.signatures, judged),
    ...(received.contents ? checkCompleteness(planned.envelope, received.contents, 'lenient') : []),
    ...mapped.faults,
    ...faults,
    ...templated.faults,
    ...seen.faults,
    ...oversizedFiles(result.draft),
    ...filesInPieces(result.draft, origins),
    ...companionFindings(told.envelope, companions),
    ...refusedUrls(services.sources, told.envelope.references, context),
    ...(await filesNotBeside(services.sources, needed, origins, signal)),
  ];
  const agreement = attachments.find((attachment) => attachment.name === 'sla');
  const judgement = await judge(governance, context, { result, findings, digest, agreement, wish }, attributes);
  const layout = await layoutFor(services, context, result, wish, judgement);
  const located = imageOrigins(companions, origins, templated.origins);
  return new PreparedDeployment({
    result,
    descriptor: utf8Text(received.descriptor),
    digest,
    images: located,
    packageUrl: urlOf(attributes),
    references: told.envelope.references.map(({ href }) => href),
    layout,
    inputs,
    own,
    sentInputs: { ...inputsAsSent(attributes[OVF_INPUTS]), credentials: inputs.credentials },
    signature: received.signature,
    judgement,
    findings: [...findings, ...(await siteFindings(services, result.draft, layout, { missing, located }))],
  });
}

/** Asks agreement and sites, where the document leaves something to ask. */
async function judge(
  governance: Governance,
  context: RequestContext,
  { result, findings, ...applicant }: Omit<Applicant, 'plan'> & { result: PlanResult; findings: readonly Fault[] },
  attributes: Attributes,
): Promise<Judgement | undefined> {
  if (hasErrors([...findings, ...result.findings]) || !result.plan) return undefined;
  try {
    return { governed: await governance.admit(context, { ...applicant, plan: result.plan }, attributes) };
  } catch (error) {
    if (error instanceof Problem && error.kind !== 'internal') return { refusal: error };
    throw error;
  }
}

/** Where it would be if only the sites were asked; all on the first site that comes into question where none takes it. */
async function layoutFor(
  { governance, store, sites }: PreparationServices,
  { principal }: RequestContext,
  { draft }: PlanResult,
  wish: SiteWish,
  judgement: Judgement | undefined,
): Promise<Layout> {
  if (judgement && 'governed' in judgement) return judgement.governed.layout;
  const first = wish.candidates[0] ?? sites.default;
  if (!draft) return { home: first, sites: new Map(), hosts: new Map(), because: [] };
  const found = judgement ? undefined : governance.layouts.layOut(store, draft, wish, principal.groups[0]);
  return (await found?.catch(unlessInternal)) ?? layoutOn(first, draft);
}

function unlessInternal(error: unknown): undefined {
  if (!(error instanceof Problem) || error.kind === 'internal') throw error;
}

/** A descriptor of which no plan can be made: a fault of the request, and what a dry run is asked to tell. */
export class UnreadableDescriptor extends Problem {
  /** SHA-256 of the descriptor. */
  readonly digest: string;
  /** The errors, and what is worth knowing besides. */
  readonly findings: readonly Fault[];

  constructor(digest: string, kind: Problem['kind'], findings: readonly Fault[]) {
    super(
      kind,
      findings.filter((fault) => hasErrors([fault])),
    );
    this.digest = digest;
    this.findings = findings;
  }
}

/** @throws UnreadableDescriptor with everything that is wrong with descriptor and package, planned or not */
function readable(digest: string, received: Package, inputs: PlanInputs, schemas: OvfSchemas): ReadEnvelope {
  try {
    const { envelope, findings } = readDescriptor(received.descriptor, { mode: 'lenient', schemas });
    if (envelope && !hasErrors(findings)) return { envelope, findings };
    const planned = envelope && planEnvelope({ envelope, findings }, inputs, 'lenient');
    throw new Problem('invalid', [
      ...received.findings,
      ...(planned?.findings ?? findings),
      ...(envelope && received.contents ? checkCompleteness(envelope, received.contents, 'lenient') : []),
    ]);
  } catch (error) {
    if (!(error instanceof Problem) || error.kind === 'internal') throw error;
    throw new UnreadableDescriptor(digest, error.kind, error.faults);
  }
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function urlOf(attributes: Attributes): string | undefined {
  const url = attributes[OVF_URL];
  return typeof url === 'string' ? url : undefined;
}

function inputsOf(inputs: JsonValue | undefined, configuration: JsonValue | undefined): DeploymentInputs {
  const parsed = inputs === undefined ? NO_INPUTS : parsePlanInputs(inputs);
  checkCredentials(parsed.credentials);
  if (typeof configuration !== 'string') return parsed;
  if (configuration === (parsed.configuration ?? configuration)) return { ...parsed, configuration };
  throw problem('invalid', 'ovf.configuration-twice', 'two configurations are chosen', {
    place: { field: OVF_CONFIGURATION },
    rule: 'K04',
    remedy: `choose one: by ${OVF_CONFIGURATION}, or by "configuration" among the inputs`,
  });
}

function withLanguage(
  { language: _wanted, ...inputs }: DeploymentInputs,
  language: string | undefined,
): DeploymentInputs {
  return language === undefined ? inputs : { ...inputs, language };
}

/** Why a plan without errors cannot be deployed yet, one fault for each thing to fill in. */
function blocking({ unresolved }: PlanResult): Fault[] {
  const place = { field: OVF_INPUTS };
  return [
    ...unresolved.properties
      .filter((property) => property.blocking)
      .map((property): Fault => ({
        code: 'ovf.property-missing',
        message: `the property ${property.key} has no legal value`,
        place,
        rule: 'O-061',
        remedy: `give properties.${property.key}`,
      })),
    ...unresolved.eulas.map((eula): Fault => ({
      code: 'ovf.eula-not-accepted',
      message: `the licence ${eula.id} is not accepted`,
      place,
      rule: 'O-072',
      remedy: 'read it with ?dry-run and list its id under eulas',
    })),
  ];
}
