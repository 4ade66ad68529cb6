/**
 * The form that creates an entity of a kind (GFD.223 §11.3.1): every attribute that can be given, the mixins that apply,
 * and, for a kind that can be sent as a file, a second form for the file.
 */

import { newUuid } from '../../base/ids.js';
import { CORE_LINK, CORE_RESOURCE, type EntityView, type Kind } from '../../occi/model.js';
import type { CategoryRegistry } from '../../occi/registry.js';
import { attributeField, type Attempt } from './fields.js';
import { attemptOf, folded, form } from './form.js';
import { nameOf, pathOfView, termOf } from './labels.js';
import { canBeGiven, mixinChoice, mixinFields } from './mixin-choice.js';
import { html, visible, type Html } from './template.js';

export interface CreateForm {
  readonly registry: CategoryRegistry;
  readonly kind: Kind;
  /** What a dry run would tell can be asked for (K07). */
  readonly rehearsed: boolean;
  /** The kind takes files in `multipart/form-data` (K05). */
  readonly uploads: boolean;
  /** For links: what they can lead from and to. */
  readonly ends: readonly EntityView[];
  /** For links: the source that is meant already. */
  readonly source: string | undefined;
  readonly attempt: Attempt | undefined;
}

export function createForm(about: CreateForm): Html {
  const { registry, kind, rehearsed, uploads, ends, source, attempt } = about;
  const path = kind.location ?? '/';
  const name = visible(termOf(kind.id)).toLowerCase();
  const here = attemptOf(attempt, 'create');
  const suggestions = ends.map((view) => [pathOfView(registry, view), nameOf(view)] as const);
  const fields = [...registry.attributesOf(kind.id).values()]
    .filter((definition) => canBeGiven(definition) && definition.version !== '1.1')
    .map((definition) =>
      attributeField({
        definition,
        within: 'create',
        attempt: here,
        ...(definition.name === 'occi.core.source' && source !== undefined ? { value: source } : {}),
        ...(END.test(definition.name) ? { suggestions } : {}),
      }),
    );
  const content = html`<div class="fields">${fields}</div>
    ${mixinFields(registry, kind.id, mixinChoice(registry, kind.id), here)}`;
  const rehearse = rehearsed && html`<button name="dry-run" value="true">Dry run</button>`;
  // A key of its own lets a form that is sent twice create once (K12).
  const hidden = { key: newUuid() };
  const create = form({
    path,
    name: 'create',
    hidden,
    content,
    submit: `Create ${name}`,
    tone: 'main',
    more: rehearse,
  });
  return html`<section aria-labelledby="create-title">
    <h2 id="create-title">Create</h2>
    ${uploads && folded(`New ${name} from a file`, uploadForm(path, name), false)}
    ${folded(`New ${name}`, create, here !== undefined || source !== undefined)}
  </section>`;
}

/** Kinds of what everything else derives from are lists, not something that anyone wants to have. */
export function isCreatable(kind: Kind): boolean {
  return kind.id !== CORE_RESOURCE && kind.id !== CORE_LINK;
}

const END = /^occi\.core\.(source|target)$/;

function uploadForm(path: string, name: string): Html {
  return html`<form method="post" action="${path}" enctype="multipart/form-data">
    <div class="fields">
      <div class="field">
        <label for="upload-ovf">OVF descriptor or OVA archive</label>
        <input
          id="upload-ovf"
          name="ovf"
          type="file"
          accept=".ovf,.ova,.xml,application/ovf+xml,application/x-tar"
          required
        />
      </div>
    </div>
    <button class="main">Create ${name}</button>
  </form>`;
}
