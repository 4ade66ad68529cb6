/**
 * `vep plan`: what would be made of a package and what is missing (K07), from a server, or from here where none is known or
 * wanted; or, with `--format`, the documents that a kind of site would be given.
 */

import { Problem, problem, throwIfFaulty } from '../../base/errors.js';
import { translate, type TranslationFormat } from '../../iaas/translation/index.js';
import { parsePlanInputs, type PlanDocument } from '../../ovf/index.js';
import { findConnection } from '../connection.js';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.js';
import { planHere } from '../local-plan.js';
import { inputsOf, sendingAppliance, type ApplianceOptions } from '../new-appliance.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import { faultLines } from '../ui/faults.js';
import { planText } from '../ui/plan-text.js';
import { translationText } from '../ui/translation-text.js';

export interface PlanOptions extends ApplianceOptions {
  /** Plan here, whatever servers there are. */
  readonly offline?: boolean;
  readonly format?: TranslationFormat;
}

export async function plan(session: Session, [name = '']: readonly string[], options: PlanOptions): Promise<ExitCode> {
  const document = await documentOf(session, name, options);
  if (options.format !== undefined) return translated(session, document, options.format);
  session.answer(document, () => planText(document, session.style));
  return document.deployable ? EXIT.ok : EXIT.refused;
}

/** From the server, or from here where no server is known or wanted. */
async function documentOf(session: Session, name: string, options: PlanOptions): Promise<PlanDocument> {
  if (options.offline !== true && serverIsKnown(session))
    return sound(
      await sendingAppliance(session, name, options, (appliance) => session.client.planAppliance(appliance)),
    );
  const { site, sla, agreement, configuration } = options;
  if (sla !== undefined || agreement !== undefined)
    throw new UsageError('an agreement is judged by a server', 'start one, or leave the agreement out');
  if (options.offline !== true) session.note('note: no server is known: planned here, without sites and prices');
  else if (site !== undefined) session.note(`note: site ${displayText(site)} is not asked`);
  const inputs = await inputsOf(session, options);
  if (/^(https?:\/\/|upload:)/i.test(name))
    throw new UsageError('a package at a URL is fetched by a server', 'start one, or name a file');
  const given = parsePlanInputs({ ...inputs, ...(configuration === undefined ? {} : { configuration }) });
  return sound(await planHere(session, name, 'lenient', { inputs: given }));
}

/** @throws Problem `invalid` with every error, where there is no plan for them */
function sound(document: PlanDocument): PlanDocument {
  throwIfFaulty('invalid', document.findings);
  return document;
}

function serverIsKnown({ options, terminal }: Session): boolean {
  try {
    findConnection(options, terminal);
    return true;
  } catch (error) {
    if (error instanceof Problem && error.kind === 'unavailable') return false;
    throw error;
  }
}

/** The plan as the documents of a kind of site: translated also while something is still to be filled in. */
function translated(session: Session, { plan, unresolved }: PlanDocument, format: TranslationFormat): ExitCode {
  if (!plan) throw problem('invalid', 'cli.no-plan', 'there is no plan to translate', { remedy: 'see `vep plan`' });
  const translation = translate(plan, format);
  session.answer({ format, ...translation }, () => translationText(translation, session.terminal.out.terminal));
  if (session.options.json !== true) {
    session.note(faultLines(translation.notes, session.errorStyle).trimEnd());
    if (unresolved.blocked) session.note('note: something is still to be filled in; `vep plan` shows what');
  }
  return EXIT.ok;
}
