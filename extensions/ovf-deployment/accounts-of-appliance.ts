/**
 * What an appliance does with the accounts of its user (K35): it signs in before anything is made there, takes another credential
 * when one has run out, shows when one is refused, and leaves nothing behind when it goes.
 */

import { Problem, problem, throwIfFaulty, type Fault } from '../../src/base/errors.js';
import { newUuid } from '../../src/base/ids.js';
import { untilNextLook, type NewChild, type OperationType, type Step } from '../../src/engine/operation.js';
import type { Engine } from '../../src/engine/engine.js';
import type { Task } from '../../src/extension/extension.js';
import type { EntityChange, Write } from '../../src/extension/kind-handler.js';
import type { Observations } from '../../src/extension/observations.js';
import { isAccount } from '../../src/iaas/account.js';
import { accountsOf, allAccounts, noteHolder, noteRefusal, type AccountRow } from '../../src/iaas/account-rows.js';
import { siteCredentials, type Accounts } from '../../src/iaas/accounts.js';
import { IaasError, type ResourceClass } from '../../src/iaas/adapter.js';
import { isRefused } from '../../src/iaas/guarded-site.js';
import type { SiteKeeping } from '../../src/iaas/site-keeping.js';
import type { Sites } from '../../src/iaas/sites.js';
import type { Attributes } from '../../src/occi/model.js';
import { parsePlanInputs } from '../../src/ovf/index.js';
import type { EntityRecord } from '../../src/store/entity-record.js';
import type { SqlReader, Store, Tx } from '../../src/store/sql.js';
import { tryAgain } from '../infrastructure/forgetting.js';
import { inputsAsSent } from './sent-inputs.js';
import { ACCOUNTS_REFUSED, OVF_INPUTS } from './vocabulary.js';

export const SIGN_IN = 'appliance.sign-in';

export interface AccountWork {
  readonly store: Store;
  readonly sites: Sites;
  readonly accounts: Accounts;
  readonly engine: Engine;
  readonly observations: Observations;
}

/** The children of a deployment, those on accounts of the user after signing in there. */
export function afterSigningIn(children: readonly NewChild[]): NewChild[] {
  const accounts = [...new Set(children.flatMap(({ site }) => (site !== null && isAccount(site) ? [site] : [])))];
  const keyOf = (account: string): string => `sign in ${account}`;
  return [
    ...accounts.map((site) => ({
      ...{ key: keyOf(site), type: SIGN_IN, entity: newUuid(), site, input: {}, after: [] },
    })),
    ...children.map((child) =>
      isAccount(child.site) ? { ...child, after: [...child.after, keyOf(child.site ?? '')] } : child,
    ),
  ];
}

/** A credential that is refused before anything has been made with it ends the deployment: there is nothing to wait for. */
export function signInOperation({ sites }: Pick<AccountWork, 'sites'>): OperationType {
  const step: Step = {
    name: 'sign-in',
    run: async ({ operation, signal }) => {
      const name = operation.site ?? '';
      try {
        const holder = await sites.adapter(name).account?.({ signal });
        return { done: true, commit: (tx) => noteHolder(tx, name, holder ?? '') };
      } catch (error) {
        if (!isRefused(error)) throw error;
        throw new IaasError('denied', error.message, error.cause.said, error);
      }
    },
  };
  return { name: SIGN_IN, steps: [step] };
}

const CLASSES: readonly ResourceClass[] = [
  'attachment',
  'nic',
  'compute',
  'storage',
  'network',
  'securitygroup',
  'image',
];

/**
 * Whatever is still there that was made for the appliance in accounts of its user goes before their credentials are
 * wiped: nobody could remove it later. All that VEP knows of is gone by then; an account that cannot be looked into holds up nothing.
 */
export function sweepStep({ store, sites }: Pick<AccountWork, 'store' | 'sites'>): Step {
  return {
    name: 'sweep',
    run: async ({ operation, signal }) => {
      let left = 0;
      for (const { name } of await accountsOf(store, operation.entity))
        if (sites.has(name)) left += await sweep(sites, name, signal).catch(unlessRefused);
      return left === 0 ? { done: true } : { done: false, again: untilNextLook(operation) };
    },
  };
}

function unlessRefused(error: unknown): number {
  if (isRefused(error)) return 0;
  throw error;
}

async function sweep(sites: Sites, account: string, signal: AbortSignal): Promise<number> {
  const adapter = sites.adapter(account);
  for (const what of CLASSES) {
    let left = 0;
    for await (const { ref } of adapter.list(what, { signal })) {
      await adapter.delete(what, ref, { signal });
      left += 1;
    }
    // What others hang on goes after them.
    if (left > 0) return left;
  }
  return (await adapter.tidy?.({ signal })) ?? 0;
}

/**
 * Takes new credentials for accounts of the appliance, sent as its inputs; work that waits for them goes on. Answers what else
 * the change is about.
 *
 * @throws Problem `invalid` with everything in it that is none
 */
export async function exchangeCredentials(
  { accounts, engine }: Pick<AccountWork, 'accounts' | 'engine'>,
  { tx, now }: Write,
  appliance: EntityRecord,
  change: EntityChange,
): Promise<{ readonly change: EntityChange; readonly observed: Attributes }> {
  const sent = change.attributes.get(OVF_INPUTS);
  if (!change.attributes.has(OVF_INPUTS)) return { change, observed: appliance.observed };
  const { credentials, ...others } = inputsAsSent(sent);
  const faults: Fault[] = Object.keys(others).map((member) => fixed(`/${member}`));
  const given = parsePlanInputs({ credentials: credentials ?? {} }).credentials;
  const news = siteCredentials(given);
  faults.push(...Object.keys(given).flatMap((key) => (key.startsWith('site:') ? [] : [fixed(`/credentials/${key}`)])));
  const rows = await accountsOf(tx, appliance.id);
  for (const [site, credential] of news) {
    const row = rows.find((each) => each.site === site);
    if (row) faults.push(...(await faultsIn(accounts.exchange(tx, row, credential, now), `/credentials/site:${site}`)));
    else faults.push(noAccount(site));
  }
  throwIfFaulty('invalid', faults);
  await tryAgain(tx, engine, appliance);
  const refused = rows.filter(({ site, refusedAt }) => refusedAt !== null && !news.has(site));
  const attributes = new Map([...change.attributes].filter(([name]) => name !== OVF_INPUTS));
  return { change: { ...change, attributes }, observed: withRefused(appliance.observed, refused) };
}

async function faultsIn(work: Promise<void>, path: string): Promise<readonly Fault[]> {
  try {
    await work;
    return [];
  } catch (error) {
    if (!(error instanceof Problem) || error.kind === 'internal') throw error;
    return error.faults.map((fault) => ({ ...fault, place: { field: OVF_INPUTS, path } }));
  }
}

function fixed(path: string): Fault {
  return {
    code: 'appliance.inputs-fixed',
    message: 'of the inputs of an appliance that is there, only credentials for sites can be changed',
    place: { field: OVF_INPUTS, path: path.slice(0, 200) },
    rule: 'K04',
    remedy: 'send {"credentials": {"site:<name>": "…"}} alone, or deploy anew',
  };
}

function noAccount(site: string): Fault {
  return {
    code: 'appliance.no-account',
    message: `the appliance is not at ${site.slice(0, 80)} with a credential of yours`,
    place: { field: OVF_INPUTS, path: `/credentials/site:${site.slice(0, 80)}` },
    rule: 'K35',
    remedy: 'see eu.contrail-project.appliance.accounts for the sites where it is',
  };
}

/**
 * An appliance that has something where its credential is refused stays until there is another one: once it is deleted nobody
 * could send that.
 *
 * @throws Problem `conflict`
 */
export async function refuseWithoutWayThere(reader: SqlReader, appliance: string): Promise<void> {
  for (const { name, site, refusedAt } of await accountsOf(reader, appliance)) {
    if (refusedAt === null || !(await hasThings(reader, appliance, name))) continue;
    throw problem('conflict', 'appliance.credential-refused', `site ${site} no longer takes your credential`, {
      place: { field: OVF_INPUTS, path: `/credentials/site:${site}` },
      rule: 'K35',
      remedy: 'update the appliance with another credential of the same account: what it has there has to be removed',
    });
  }
}

async function hasThings(reader: SqlReader, appliance: string, account: string): Promise<boolean> {
  const found = await reader.get(
    'SELECT 1 AS one FROM entity WHERE appliance = ? AND site = ? AND site_ref IS NOT NULL ' +
      'UNION ALL SELECT 1 FROM appliance_image WHERE appliance = ? AND site = ? LIMIT 1',
    [appliance, account, appliance, account],
  );
  return found !== undefined;
}

const WATCH_MS = 1000;

/** Shows which credentials are refused, and lets go of accounts that nobody has kept. */
export function accountWatch(services: AccountWork & { readonly keeping: SiteKeeping }): Task {
  const { store, sites, keeping, accounts, observations } = services;
  return {
    name: 'accounts',
    everyMs: WATCH_MS,
    run: async () => {
      await accounts.expire();
      await accounts.refresh();
      const changed = (await allAccounts(store)).flatMap((row) => {
        const at = keeping.term(row.name) ? refusalOf(sites, row) : row.refusedAt;
        return at === row.refusedAt ? [] : [{ ...row, refusedAt: at }];
      });
      for (const row of changed) await store.write((tx) => note(tx, observations, row));
    },
  };
}

/** What the process that keeps the account knows: an answer counts against a refusal only where it came later. */
function refusalOf(sites: Sites, { name, refusedAt }: AccountRow): number | null {
  const { isRefused, since, answeredAt } = sites.status(name);
  if (isRefused) return refusedAt ?? since;
  return refusedAt !== null && answeredAt !== undefined && answeredAt > refusedAt ? null : refusedAt;
}

async function note(tx: Tx, observations: Observations, { name, appliance, refusedAt }: AccountRow): Promise<void> {
  await noteRefusal(tx, name, refusedAt);
  const refused = (await accountsOf(tx, appliance)).filter((each) => each.refusedAt !== null);
  await observations.noted(tx, appliance, withRefused({}, refused), [ACCOUNTS_REFUSED]);
}

/** Attributes with the names of the sites that refuse, or without any. */
function withRefused(observed: Attributes, refused: readonly AccountRow[]): Attributes {
  const { [ACCOUNTS_REFUSED]: _before, ...others } = observed;
  return refused.length === 0 ? others : { ...others, [ACCOUNTS_REFUSED]: refused.map(({ site }) => site).join(' ') };
}
