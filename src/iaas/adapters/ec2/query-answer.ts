/**
 * Whether what came back is an answer of the Query protocol at all: a document whose root is `<ActionResponse>`, or the
 * errors of EC2. What stands in front of a service answers with pages and half documents, and an empty list must not be
 * read out of those.
 */

import { excerpt } from '../../../base/errors.js';
import { IaasError } from '../../adapter.js';
import { Ec2Error, type QueryService } from './ec2-error.js';

/**
 * Returns when `text` is the whole answer to `action`.
 *
 * @throws Ec2Error for a refusal; IaasError `transient`, `denied` or `fatal` for what is no answer
 */
export function checkAnswer(service: QueryService, action: string, status: number, text: string): void {
  if (status >= 200 && status < 300) {
    const [, root] = /^\uFEFF?\s*(?:<\?xml[^>]*\?>)?\s*(?:<!--[^]*?-->\s*)*<([A-Za-z]+)[\s>]/.exec(text) ?? [];
    if (root === `${action}Response` && new RegExp(`</${root}\\s*>\\s*$`).test(text)) return;
    throw new IaasError('transient', `the answer to ${action} is not one of ${service}`, excerpt(text));
  }
  const refusal = refusalIn(service, text, status);
  if (refusal) throw refusal;
  const said = `HTTP ${status}`;
  if (status >= 500 || status === 429)
    throw new IaasError('transient', `${service} answers with HTTP status ${status}`, said);
  if (status === 401 || status === 403)
    throw new IaasError('denied', `what stands in front of ${service} answers with HTTP status ${status}`, said);
  throw new IaasError('fatal', `there is no ${service} at this URL: HTTP status ${status}`, said);
}

/** `<Error><Code/><Message/></Error>`. Nimbus writes messages unescaped, so that this is no XML parser's business. */
function refusalIn(service: QueryService, text: string, status: number): Ec2Error | undefined {
  const code = /<Code>\s*([\w.]+)\s*<\/Code>/.exec(text)?.[1];
  if (code === undefined) return undefined;
  const message = /<Message>([^]*?)<\/Message>/.exec(text)?.[1] ?? '';
  return new Ec2Error(service, code, unescaped(message.trim()), status);
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function unescaped(text: string): string {
  return text.replaceAll(/&(lt|gt|amp|quot|apos);/g, (_all, name: string) => ENTITIES[name] ?? '');
}
