/**
 * What OpenStack's refusals mean. Each service words them in its own way (`{"<fault>": {code, message}}` in Nova and
 * Cinder, `NeutronError`, HTML in Glance, `error` in Keystone), and the status alone says little: 403 of Nova is a
 * missing right or a quota, 409 of Neutron a quota or a conflict, 400 of Cinder a state. The first rule that fits decides.
 */

import { excerpt } from '../../../base/errors.js';
import { isJsonObject, stringAt } from '../../../base/json.js';
import { IaasError, type IaasErrorClass } from '../../adapter.js';

/** Where a refusal came from, as people know it. */
export const NAMES = {
  identity: 'Keystone',
  compute: 'Nova',
  image: 'Glance',
  network: 'Neutron',
  volume: 'Cinder',
  placement: 'Placement',
} as const;
export type Speaker = keyof typeof NAMES;

type Rule = readonly [status: number | undefined, text: RegExp, meaning: IaasErrorClass];

const RULES: readonly Rule[] = [
  [undefined, /quota exceeded|overquota|exceedsavailablequota|limitexceeded|over quota|exceeds .*quota/i, 'quota'],
  [500, /no valid host was found/i, 'capacity'],
  [409, /ipaddressgenerationfailure|no more ip addresses/i, 'capacity'],
  [400, /already (in use|attached)|status must be|is not in the same|invalid volume status/i, 'conflict'],
  [
    400,
    /can not find requested image|image .* could not be found|(network|port|volume) \S+ could not be found/i,
    'not-found',
  ],
  // Placement has chosen what is switched off by now, or gone.
  [400, /availability zone is not available|compute host \S+ could not be found/i, 'capacity'],
  // The last of its members has taken it with it: whoever asks again makes another.
  [400, /instance group \S+ could not be found/i, 'transient'],
  [400, /./, 'invalid'],
  [401, /./, 'denied'],
  // Rights over quotas have the word in their names.
  [403, /policy/i, 'denied'],
  [403, /quota|maximum number of/i, 'quota'],
  [403, /./, 'denied'],
  // Both ends are there; the router between them is not.
  [404, /externalgatewayforfloatingipnotfound/i, 'conflict'],
  [404, /./, 'not-found'],
  [405, /./, 'unsupported'],
  [406, /./, 'unsupported'],
  [409, /./, 'conflict'],
  [412, /./, 'conflict'],
  [413, /./, 'transient'],
  [415, /./, 'invalid'],
  [422, /./, 'invalid'],
  [429, /./, 'transient'],
  [501, /./, 'unsupported'],
];

export function meaningOf(status: number, said: string): IaasErrorClass {
  const rule = RULES.find(([of, text]) => (of === undefined || of === status) && text.test(said === '' ? '?' : said));
  if (rule) return rule[2];
  return status >= 500 ? 'transient' : 'fatal';
}

/** An {@link IaasError} that knows which service refused, with what status and what kind of fault. */
export class StackError extends IaasError {
  readonly speaker: Speaker;
  readonly status: number;
  /** `NeutronError.type`, or the member that holds the fault: `conflictingRequest`, `overLimit`. */
  readonly fault: string;

  constructor(speaker: Speaker, status: number, fault: string, said: string, requestId: string | undefined) {
    const words = said === '' ? `HTTP ${status}` : said;
    super(
      meaningOf(status, `${fault} ${said}`.trim()),
      `${NAMES[speaker]} refuses: ${words}`,
      requestId === undefined ? words : `${words} (${requestId})`,
    );
    this.speaker = speaker;
    this.status = status;
    this.fault = fault;
  }

  /** Refused because of the state something is in, or because somebody works on it. */
  get isWrongState(): boolean {
    return this.status === 409 && /while it is in (vm_state|task_state)|is not ready|is locked/i.test(this.said ?? '');
  }
}

/** Reads what a service said with a status that is no success. */
export function refusalOf(
  speaker: Speaker,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>>,
): StackError {
  const requestId = headers['x-openstack-request-id'] ?? headers['x-compute-request-id'];
  const { fault, said } = wordsOf(text);
  const wait = Number(headers['retry-after'] ?? 0);
  const later = wait > 0 ? ` (again in ${wait} s)` : '';
  return new StackError(speaker, status, fault, said === '' ? later.trim() : `${said}${later}`, requestId);
}

function wordsOf(text: string): { readonly fault: string; readonly said: string } {
  const json = parsed(text);
  if (!isJsonObject(json)) return { fault: '', said: ofPage(text) };
  const [fault = '', body] = Object.entries(json)[0] ?? [];
  if (fault === 'errors' && Array.isArray(body) && isJsonObject(body[0]))
    return { fault: '', said: stringAt(body[0], 'detail') ?? stringAt(body[0], 'title') ?? '' };
  if (!isJsonObject(body)) return { fault: '', said: excerpt(text) };
  return { fault: stringAt(body, 'type') ?? fault, said: (stringAt(body, 'message') ?? '').trim() };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&#x27;': "'",
  '&quot;': '"',
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
};

/** Glance's pages hold their message between the heading and the first break. */
function ofPage(text: string): string {
  const message = /<\/h1>\s*([^]*?)\s*<br/i.exec(text)?.[1] ?? text;
  const plain = message.replaceAll(/&(#x27|quot|lt|gt|amp);/g, (entity) => ENTITIES[entity] ?? entity);
  return excerpt(
    plain
      .replaceAll(/<[^>]*>/g, ' ')
      .replaceAll(/\s+/g, ' ')
      .trim(),
  );
}
