/** `vep vo`: Virtual Organizations, their members, how they share what they may have, and what is set aside for them. */

import {
  ClientError,
  MEMBER,
  PROVISION,
  QUOTA,
  VO,
  VO_ACTION_SCHEME,
  VO_NAME,
  VO_PREFIX,
  VO_RESOURCES,
  type AuditPage,
  type AuditRecord,
  type Located,
  type VepClient,
  type VoResource,
  type VoUsage,
} from '../../client/index.js';
import type { Attributes, TypeId } from '../../occi/model.js';
import { entityJson, numberOf, textOf } from '../entities.js';
import { UsageError } from '../exit-codes.js';
import type { Session } from '../session.js';
import { displayText } from '../ui/display-text.js';
import type { Style } from '../ui/style.js';
import { table } from '../ui/table.js';

export interface VoOptions {
  readonly account?: string;
  readonly limit?: readonly string[];
  readonly role?: string;
  readonly group?: string;
  readonly user?: string;
  readonly site?: string;
  readonly remove?: boolean;
  readonly after?: string;
}

export async function listVos(session: Session): Promise<void> {
  const found = await session.client.list(VO);
  session.answer(found.map(entityJson), () => {
    if (found.length === 0) return 'no Virtual Organizations that you may see\n';
    const rows = found.map(({ view }) => [
      displayText(textOf(view, VO_NAME) ?? ''),
      textOf(view, `${VO_PREFIX}.state`) ?? '',
      VO_RESOURCES.flatMap((resource) => {
        const limit = numberOf(view, `${VO_PREFIX}.limit.${resource}`);
        return limit === undefined ? [] : `${resource} ${limit}`;
      }).join(', ') || 'none',
    ]);
    return table(['VO', 'STATE', 'LIMITS'], rows, session.style);
  });
}

export async function showVo(session: Session, [name = '']: readonly string[]): Promise<void> {
  const { client } = session;
  const vo = await findVo(client, name);
  const usage = await client.voUsage(vo.path);
  const [members = [], quotas = [], provisions = []] = await Promise.all(
    [MEMBER, QUOTA, PROVISION].map((kind) => partsOf(client, kind, name)),
  );
  const parts = { members, quotas, provisions };
  const json = Object.fromEntries(Object.entries(parts).map(([key, of]) => [key, of.map(entityJson)]));
  session.answer({ ...entityJson(vo), usage, ...json }, () => render(usage, parts, session.style));
}

/** All of the trail that there is, page by page. */
export async function auditVo(session: Session, [name = '']: readonly string[], { after }: VoOptions): Promise<void> {
  const entries: AuditRecord[] = [];
  for (let next: number | null = Number(after ?? 0); next !== null;) {
    const page: AuditPage = await session.client.audit({ vo: name, after: next });
    entries.push(...page.entries);
    ({ next } = page);
  }
  session.answer(entries, () => {
    const rows = entries.map(({ seq, at, actor, verb, kind = '', entity = '', outcome, reason = '' }) => [
      String(seq),
      at,
      displayText(actor),
      displayText(verb),
      `${kind.slice(kind.indexOf('#') + 1)} ${entity}`.trim(),
      reason === '' ? outcome : `${outcome}: ${displayText(reason)}`,
    ]);
    return rows.length === 0
      ? 'nothing is on record\n'
      : table(['NO', 'AT', 'WHO', 'DID', 'WHAT', 'OUTCOME'], rows, session.style);
  });
}

export async function addVo(session: Session, [name = '']: readonly string[], options: VoOptions): Promise<void> {
  const made = await session.client.create({ kind: VO, attributes: { [VO_NAME]: name, ...attributesOf(options) } });
  session.answer(entityJson(made), () => `${displayText(name)} is served\n`);
}

export async function setVo(session: Session, [name = '']: readonly string[], options: VoOptions): Promise<void> {
  const { path } = await findVo(session.client, name);
  const view = await session.client.update(path, { attributes: attributesOf(options) });
  session.answer({ path, ...view }, () => `${displayText(name)} is changed\n`);
}

export async function moveVo(
  term: 'suspend' | 'resume' | 'remove',
  session: Session,
  [name = '']: readonly string[],
): Promise<void> {
  const { path } = await findVo(session.client, name);
  if (term === 'remove') await session.client.delete(path);
  else await session.client.act(path, VO_ACTION_SCHEME + term);
  const done = { suspend: 'suspended', resume: 'active again', remove: 'served no more' }[term];
  session.answer({ vo: name, path, [term]: true }, () => `${displayText(name)} is ${done}\n`);
}

export async function member(
  session: Session,
  [name = '', who = '']: readonly string[],
  { role, group, remove }: VoOptions,
): Promise<void> {
  const attribute = `${VO_PREFIX}.member.${/^(?:\/|urn:)/.test(who) ? 'attribute' : 'subject'}`;
  const given = {
    ...(role === undefined ? {} : { [`${VO_PREFIX}.member.role`]: role }),
    ...(group === undefined ? {} : { [`${VO_PREFIX}.member.group`]: group }),
  };
  await settle(session, { kind: MEMBER, name, key: { [attribute]: who }, given, remove });
}

export async function quota(session: Session, [name = '']: readonly string[], options: VoOptions): Promise<void> {
  const { group, user, remove } = options;
  if (group === undefined && user === undefined)
    throw new UsageError(
      'a quota is that of a group or a user',
      'add --group or --user; `vep vo set` is for the whole',
    );
  const key = { [`${VO_PREFIX}.quota.group`]: group, [`${VO_PREFIX}.quota.subject`]: user };
  await settle(session, { kind: QUOTA, name, key, given: attributesOf(options), remove });
}

export async function provision(
  session: Session,
  [name = '', type = '', reference = '']: readonly string[],
  { site, remove }: VoOptions,
): Promise<void> {
  const key = { [`${VO_PREFIX}.provision.type`]: type, [`${VO_PREFIX}.provision.reference`]: reference };
  const given = site === undefined ? {} : { [`${VO_PREFIX}.provision.site`]: site };
  await settle(session, { kind: PROVISION, name, key, given, remove });
}

interface Part {
  readonly kind: TypeId;
  readonly name: string;
  /** Attributes by which it is the same one; those without a value must be absent. */
  readonly key: Readonly<Record<string, string | undefined>>;
  readonly given: Attributes;
  readonly remove: boolean | undefined;
}

/** Makes a member, share or set-aside resource of a VO, changes the one that is there, or takes it away. */
async function settle(session: Session, { kind, name, key, given, remove }: Part): Promise<void> {
  const { client } = session;
  const known = (await partsOf(client, kind, name)).find(({ view }) =>
    Object.entries(key).every(([attribute, value]) => view.attributes[attribute] === value),
  );
  if (remove === true) {
    if (!known) throw nothing(`${displayText(name)} has no such ${kind.slice(kind.indexOf('#') + 1)}`);
    await client.delete(known.path);
    session.answer({ path: known.path, removed: true }, () => 'taken back\n');
    return;
  }
  if (known) {
    const view = await client.update(known.path, { attributes: given });
    session.answer({ path: known.path, ...view }, () => 'changed\n');
    return;
  }
  const named = Object.fromEntries(
    Object.entries(key).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const made = await client.create({ kind, attributes: { [VO_NAME]: name, ...named, ...given } });
  session.answer(entityJson(made), () => 'done\n');
}

async function findVo(client: VepClient, name: string): Promise<Located> {
  const [found] = await client.list(VO, { filter: { attributes: { [VO_NAME]: name } } });
  if (!found) throw nothing(`there is no Virtual Organization ${JSON.stringify(name)} that you may see`);
  return found;
}

function partsOf(client: VepClient, kind: TypeId, name: string): Promise<Located[]> {
  return client.list(kind, { filter: { attributes: { [VO_NAME]: name } } });
}

function attributesOf({ account, limit = [] }: VoOptions): Attributes {
  return {
    ...(account === undefined ? {} : { [`${VO_PREFIX}.account`]: account }),
    ...Object.fromEntries(limit.map((text) => limitIn(text))),
  };
}

function limitIn(text: string): [string, number] {
  const [, name = '', amount = ''] = /^([a-z]+)=(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  const resource = VO_RESOURCES.find((each) => each === name);
  if (resource === undefined)
    throw new UsageError(
      `${JSON.stringify(text)} is no limit`,
      `write one of ${VO_RESOURCES.join(', ')} with a number, like cores=64; memory and storage are in GiB`,
    );
  return [`${VO_PREFIX}.limit.${resource}`, Number(amount)];
}

function render(usage: VoUsage, parts: Readonly<Record<string, readonly Located[]>>, style: Style): string {
  const cell = (of: Partial<Record<VoResource, number>>, resource: VoResource): string => String(of[resource] ?? '');
  const rows = VO_RESOURCES.filter(
    (resource) => usage.limits[resource] !== undefined || (usage.counted[resource] ?? 0) > 0,
  ).map((resource) => [
    resource,
    cell(usage.limits, resource),
    cell(usage.provisioned, resource),
    cell(usage.used, resource),
    cell(usage.counted, resource),
  ]);
  const users = usage.by.map((use) => [
    displayText(use.principal),
    displayText(use.group ?? ''),
    ...(['machines', 'cores', 'memory', 'storage'] as const).map((resource) => cell(use, resource)),
  ]);
  const members = (parts['members'] ?? []).map(({ view }) => [
    displayText(textOf(view, `${VO_PREFIX}.member.subject`) ?? textOf(view, `${VO_PREFIX}.member.attribute`) ?? ''),
    textOf(view, `${VO_PREFIX}.member.role`) ?? '',
    displayText(textOf(view, `${VO_PREFIX}.member.group`) ?? ''),
  ]);
  const others = [...(parts['quotas'] ?? []), ...(parts['provisions'] ?? [])].map(({ view, path }) => [
    view.kind.slice(view.kind.indexOf('#') + 1),
    displayText(view.title ?? ''),
    path,
  ]);
  const sites = (usage.sites ?? []).flatMap(({ site, as = '', at, findings }) =>
    (findings.length === 0 ? [{ message: at === null ? 'to be written' : 'written', remedy: '' }] : findings).map(
      ({ message, remedy }) => [displayText(site), displayText(as), displayText(message), displayText(remedy)],
    ),
  );
  const section = (header: readonly string[], of: readonly (readonly string[])[]): string =>
    of.length === 0 ? '' : `\n${table(header, of, style)}`;
  return [
    `${displayText(usage.vo)}: ${usage.state}\n`,
    section(['RESOURCE', 'LIMIT', 'SET ASIDE', 'USED', 'COUNTED'], rows),
    section(['USER', 'GROUP', 'MACHINES', 'CORES', 'MEMORY', 'STORAGE'], users),
    section(['MEMBER', 'ROLE', 'GROUP'], members),
    section(['KIND', 'TITLE', 'PATH'], others),
    section(['SITE', 'THERE', 'STATE', 'REMEDY'], sites),
  ].join('');
}

function nothing(message: string): ClientError {
  return new ClientError(404, [{ code: 'cli.no-vo', message, remedy: 'see `vep vo list` and `vep vo show <vo>`' }]);
}
