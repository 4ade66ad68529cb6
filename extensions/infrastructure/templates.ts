/**
 * OS and resource templates (GFD.224 §3.5): the provider's OS templates from the configuration, those that `save` mints,
 * and what a template does to a compute. A template that `save` makes is a mixin of the caller's group (K15); the image
 * behind it is known once the site has made it.
 */

import { Table, type MigrationInterface, type QueryRunner } from 'typeorm';
import type { OsTemplateConfig } from '../../src/base/config.js';
import { problem } from '../../src/base/errors.js';
import type { JsonValue } from '../../src/base/json.js';
import {
  COMPUTE,
  CONTRAIL,
  OS_TPL,
  RESOURCE_TPL,
  type Attributes,
  type Mixin,
  type TypeId,
} from '../../src/occi/model.js';
import type { CategoryRegistry } from '../../src/occi/registry.js';
import { bigint, key, nullable, text } from '../../src/store/columns.js';
import type { SqlReader, Tx } from '../../src/store/sql.js';
import { table } from '../../src/store/tables.js';

export const OS_TEMPLATE_SCHEME = `${CONTRAIL}/os_tpl#`;

/** The provider's OS templates as a category document. */
export function osTemplateCategories(templates: readonly OsTemplateConfig[]): JsonValue {
  return {
    specification: 'templates of this provider',
    kinds: [],
    actions: [],
    mixins: templates.map(({ term, title }) => ({
      term,
      scheme: OS_TEMPLATE_SCHEME,
      title,
      depends: [OS_TPL],
      applies: [COMPUTE],
      attributes: {},
      actions: [],
      location: `/mixin/os_tpl/${term}/`,
    })),
  };
}

/** The one template among the mixins that depends on `base`, if any. Throws a Problem when there are two. */
export function templateAmong(registry: CategoryRegistry, mixins: readonly TypeId[], base: TypeId): Mixin | undefined {
  const templates = mixins.filter((id) => id !== base && registry.dependsOn(id, base));
  if (templates.length > 1) {
    throw problem(
      'invalid',
      'occi.two-templates',
      `a compute can have one template of ${base}, not ${templates.length}`,
      {
        rule: base === RESOURCE_TPL ? 'GFD.222 R0302' : 'GFD.224 §3.5.1',
        remedy: 'name one of them',
      },
    );
  }
  return templates[0] === undefined ? undefined : registry.mixin(templates[0]);
}

/** The values a template sets: the defaults of its attributes, which win over the client's own (A25). */
export function valuesOf(template: Mixin): Attributes {
  return Object.fromEntries(
    [...template.attributes.values()].flatMap(({ name, default: value }) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}

/** Which image a saved template stands for, and where. */
export interface SavedImage {
  /** Type identifier of the template mixin. */
  readonly template: string;
  readonly site: string;
  readonly image: string;
}

export const savedImageTable = table('saved_image', {
  template: { type: 'text', primary: true },
  site: { type: 'text' },
  image: { type: 'text', nullable: true },
  created_at: { type: 'bigint' },
});

export class CreateSavedImage1763800000200 implements MigrationInterface {
  readonly name = 'CreateSavedImage1763800000200';

  async up(runner: QueryRunner): Promise<void> {
    const columns = [text('template', key), text('site'), text('image', nullable), bigint('created_at')];
    await runner.createTable(new Table({ name: 'saved_image', columns }));
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('saved_image');
  }
}

/** `save` was accepted: the template exists, its image is on the way. */
export async function expectImage(tx: Tx, template: string, site: string, now: number): Promise<void> {
  await tx.run('INSERT INTO saved_image (template, site, image, created_at) VALUES (?, ?, NULL, ?)', [
    template,
    site,
    now,
  ]);
}

/** The site has made the image. */
export async function imageSaved(tx: Tx, saved: SavedImage): Promise<void> {
  await tx.run('UPDATE saved_image SET image = ? WHERE template = ? AND site = ?', [
    saved.image,
    saved.template,
    saved.site,
  ]);
}

/** The image behind a saved template; `image` is null until the site has made it. */
export function savedImage(
  reader: SqlReader,
  template: string,
): Promise<{ site: string; image: string | null } | undefined> {
  return reader.get('SELECT site, image FROM saved_image WHERE template = ?', [template]);
}
