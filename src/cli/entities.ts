/** Entities as the commands name and show them. */

import { APPLIANCE_ACTIONS, ClientError, type Fetched, type Located, type VepClient } from '../client/index.js';
import { isUuid } from '../base/ids.js';
import type { EntityView, TypeId } from '../occi/model.js';
import { UsageError } from './exit-codes.js';

/** The shape of an entity in `--json` output: its path and the members of GFD.226. */
export function entityJson({ path, view }: Located): object {
  return { path, ...view };
}

export function idOf(view: EntityView): string {
  return view.id.replace(/^urn:uuid:/, '');
}

/** The attribute of the kind that ends in `.state`; empty for an entity without one. */
export function stateOf(view: EntityView): string {
  const states = Object.keys(view.attributes).filter((name) => name.endsWith('.state'));
  const own = states.find((name) => /^occi\.|^eu\.contrail-project\.appliance\./.test(name)) ?? states[0];
  return own === undefined ? '' : (textOf(view, own) ?? '');
}

/**
 * When an entity was last seen that nobody can see now, because its site is down (`docs/operations.md`): milliseconds since the epoch.
 * Its state is that of then.
 */
export function seenAt(view: EntityView): number | undefined {
  const at = Date.parse(textOf(view, 'eu.contrail-project.observed.at') ?? '');
  return Number.isNaN(at) ? undefined : at;
}

export function textOf(view: EntityView, attribute: string): string | undefined {
  const value = view.attributes[attribute];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

export function numberOf(view: EntityView, attribute: string): number | undefined {
  const value = view.attributes[attribute];
  return typeof value === 'number' ? value : undefined;
}

/**
 * Finds what the user named: an entity by its URL or path, an appliance by id, by title, or by the beginning of its id.
 * @throws ClientError 404; UsageError when several appliances go by that name
 */
export async function findNamed(client: VepClient, name: string): Promise<Fetched> {
  if (name.includes('/')) return client.get(name);
  if (isUuid(name)) return client.get(`/appliance/${name}`);
  const all = await client.list('appliance');
  const titled = all.filter(({ view }) => view.title === name);
  const matching =
    titled.length > 0 ? titled : all.filter(({ view }) => name.length >= 4 && idOf(view).startsWith(name));
  const [found, ...others] = matching;
  if (found === undefined) throw noAppliance(name);
  if (others.length > 0) {
    throw new UsageError(
      `${matching.length} appliances go by ${JSON.stringify(name)}`,
      `name one by its id: ${matching.map(({ view }) => idOf(view)).join(', ')}`,
    );
  }
  return client.get(found.path);
}

/** Type identifier of the action of that term: one the entity offers now, or the appliance's own. */
export function actionOf(view: EntityView, term: string): TypeId {
  return view.actions.find((action) => action.endsWith(`#${term}`)) ?? APPLIANCE_ACTIONS + term;
}

function noAppliance(name: string): ClientError {
  return new ClientError(404, [
    {
      code: 'cli.no-appliance',
      message: `there is no appliance called ${JSON.stringify(name)}`,
      remedy: 'see `vep list`; other entities are named by their path, like /compute/<id>',
    },
  ]);
}
