/** Requests to an OCCI server in each rendering (GFD.185, GFD.226, GFD.229), made of views and attributes. */

import { VERSION } from '../base/version.js';
import {
  INFRASTRUCTURE,
  isLinkView,
  type Attributes,
  type EntityView,
  type OcciVersion,
  type TypeId,
} from '../occi/model.js';
import { renderEntity, renderFields, type TextAnswer, type TextForm } from '../occi/text/index.js';

export const JSON_RENDERING = 'application/occi+json';

/** What is spoken with a server. */
export type Rendering = typeof JSON_RENDERING | TextForm;

export interface Filter {
  readonly attributes: Readonly<Record<string, string>>;
}

/** What the client calls itself when it speaks that version. */
export function agentFor(version: OcciVersion): string {
  return `vep/${VERSION} OCCI/${version}`;
}

/** What a request carries. */
export interface Rendered {
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** An entity as a request carries it. */
export function renderedView(view: EntityView, rendering: Rendering): Rendered {
  if (rendering === JSON_RENDERING) {
    const { id, ...rest } = view;
    const named = id === '' ? rest : view;
    const written = isLinkView(view) ? named : { ...named, links: view.links.length === 0 ? undefined : view.links };
    const { actions: _actions, ...sent } = written as { actions: unknown };
    return { headers: { 'Content-Type': rendering }, text: JSON.stringify(sent) };
  }
  // A bare id, as clients of 1.1 write it.
  return asText(
    renderEntity({ ...view, id: idOf(view) }, rendering, (kind) => kindPath(kind), '1.1'),
    rendering,
  );
}

/** New values of attributes, or what is to be done with an entity. */
export function renderedAttributes(attributes: Attributes, rendering: Rendering, action?: TypeId): Rendered {
  if (rendering === JSON_RENDERING) {
    const text = JSON.stringify(action === undefined ? { attributes } : { action, attributes });
    return { headers: { 'Content-Type': rendering }, text };
  }
  const category = action === undefined ? undefined : ({ id: action, class: 'action' } as const);
  return asText(renderFields(category, attributes, rendering), rendering);
}

/** A mixin, named in a header, as every rendering can. */
export function namedMixin(mixin: TypeId): Readonly<Record<string, string>> {
  return asText(renderFields({ id: mixin, class: 'mixin' }, {}, 'text/occi'), 'text/occi').headers;
}

function asText({ headers, body }: TextAnswer, form: TextForm): Rendered {
  const lines = Object.fromEntries(headers);
  return { headers: { 'Content-Type': form, ...lines }, text: form === 'text/occi' ? '' : body };
}

/** Only read by servers that want to know where a kind is; they know better. */
function kindPath(kind: TypeId): string {
  return kind.startsWith(INFRASTRUCTURE) ? `/${kind.slice(INFRASTRUCTURE.length)}/` : '/';
}

export function idOf(view: EntityView): string {
  return view.id.replace(/^urn:uuid:/, '');
}

export function filterHeaders(filter: Filter | undefined): Readonly<Record<string, string>> {
  return filter === undefined
    ? {}
    : asText(renderFields(undefined, filter.attributes, 'text/occi'), 'text/occi').headers;
}
