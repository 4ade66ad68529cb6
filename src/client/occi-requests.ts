/** Requests to an OCCI server in each rendering (GFD.185, GFD.226, GFD.229), made of views and attributes. */

import { VERSION } from '../base/version.js';
import { INFRASTRUCTURE, isLinkView, type Attributes, type EntityView, type TypeId } from '../occi/model.js';
import { renderEntity, type TextForm } from '../occi/text/index.js';

export const JSON_RENDERING = 'application/occi+json';

/** What is spoken with a server. */
export type Rendering = typeof JSON_RENDERING | TextForm;

export interface Filter {
  readonly attributes: Readonly<Record<string, string>>;
}

/** What the client calls itself when it speaks so. */
export function agentFor(rendering: Rendering | undefined): string {
  const version = rendering === undefined || rendering === JSON_RENDERING ? '1.2' : '1.1';
  return `vep/${VERSION} OCCI/${version}`;
}

/** An entity as a request carries it. */
export function renderedView(
  view: EntityView,
  rendering: Rendering,
): { headers: Record<string, string>; text: string } {
  if (rendering === JSON_RENDERING) {
    const { id, ...rest } = view;
    const named = id === '' ? rest : view;
    const written = isLinkView(view) ? named : { ...named, links: view.links.length === 0 ? undefined : view.links };
    const { actions: _actions, ...sent } = written as { actions: unknown };
    return { headers: { 'Content-Type': rendering }, text: JSON.stringify(sent) };
  }
  // A bare id, as clients of 1.1 write it.
  const { headers, body } = renderEntity({ ...view, id: idOf(view) }, rendering, (kind) => kindPath(kind), '1.1');
  const lines = Object.fromEntries(headers);
  return { headers: { 'Content-Type': rendering, ...lines }, text: rendering === 'text/occi' ? '' : body };
}

/** Attributes, behind a category if there is one, as lines of text/plain or fields of text/occi. */
export function asText(
  category: string | undefined,
  attributes: Attributes,
  rendering: Rendering,
): { headers: Readonly<Record<string, string>>; body: string } {
  const values = Object.entries(attributes).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  if (rendering === 'text/occi') {
    const fields = {
      ...(category === undefined ? {} : { Category: category }),
      ...(values.length === 0 ? {} : { 'X-OCCI-Attribute': values.join(', ') }),
    };
    return { headers: fields, body: '' };
  }
  const lines = [...(category === undefined ? [] : [`Category: ${category}`])];
  return { headers: {}, body: [...lines, ...values.map((value) => `X-OCCI-Attribute: ${value}`)].join('\r\n') };
}

export function categoryOf(id: TypeId, ofClass: 'action' | 'mixin'): string {
  const cut = id.indexOf('#') + 1;
  return `${id.slice(cut)}; scheme="${id.slice(0, cut)}"; class="${ofClass}"`;
}

/** Only read by servers that want to know where a kind is; they know better. */
function kindPath(kind: TypeId): string {
  return kind.startsWith(INFRASTRUCTURE) ? `/${kind.slice(INFRASTRUCTURE.length)}/` : '/';
}

export function idOf(view: EntityView): string {
  return view.id.replace(/^urn:uuid:/, '');
}

/** Beyond ASCII, header values are UTF-8 (`spec/occi.md` §6.4). */
export function filterHeaders(filter: Filter | undefined): Record<string, string> {
  if (filter === undefined) return {};
  const values = Object.entries(filter.attributes).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return {
    'Content-Type': 'text/occi',
    'X-OCCI-Attribute': Buffer.from(values.join(', '), 'utf8').toString('latin1'),
  };
}
