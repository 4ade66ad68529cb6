/**
 * The description of this very instance in OpenAPI 3.1.0: what a caller sees of the registry, URL by URL, generated at
 * run time. Nothing in it is written twice: what a provider's templates or a user's mixins add is described with the rest.
 */

import type { JsonObject } from '../../base/json.js';
import type { AnyCategory, Kind, Mixin } from '../../occi/model.js';
import { categoriesVisibleIn } from '../../occi/visible.js';
import { BESIDE_OCCI } from './beside-occi.js';
import { keyOf } from './names.js';
import { PARAMETERS, RESPONSES } from './operations.js';
import { kindPaths, mixinPath, queryInterfacePaths, rootPath, type Described } from './paths.js';
import { actionSchema, COMMON_SCHEMAS, kindSchemas, mixinSchema } from './schemas.js';

/** @param release of VEP, as `package.json` says it */
export function openApiDocument(about: Described, release: string): JsonObject {
  const { registry, version } = about;
  const categories = categoriesVisibleIn(registry, version).map(({ category }) => category);
  const kinds = categories.filter((category): category is Kind => category.class === 'kind');
  const mixins = categories.filter((category): category is Mixin => category.class === 'mixin');
  const paths = {
    ...queryInterfacePaths(),
    '/': rootPath(about),
    ...joined(kinds, (kind) => kindPaths(about, kind)),
    ...Object.fromEntries(mixins.map((mixin) => [mixin.location, mixinPath(about, mixin)])),
    ...BESIDE_OCCI,
  };
  return {
    openapi: '3.1.0',
    info: {
      title: 'VEP',
      summary: 'The Virtual Execution Platform: appliances and agreements on any IaaS, as OCCI resources',
      description: DESCRIPTION,
      version: release,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ basic: [] }, { bearer: [] }, { token: [] }, { certificate: [] }],
    tags: tagsOf(kinds),
    paths,
    components: {
      schemas: { ...COMMON_SCHEMAS, ...joined(categories, (category) => schemasOf(about, category)) },
      parameters: PARAMETERS,
      responses: RESPONSES,
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

const DESCRIPTION = `The API is OCCI (GFD.221, GFD.223, GFD.224, GFD.226, GFD.229; and GFD.183–185 for clients that say \`OCCI/1.1\` in
\`User-Agent\`). The schemas here are those of \`application/occi+json\`; every URL also reads and writes the text renderings:
\`text/plain\`, in which the body has a line for each header field, and \`text/occi\`, in which the header fields
\`Category\`, \`Link\`, \`X-OCCI-Attribute\` and \`X-OCCI-Location\` say everything. A browser gets pages.`;

const SECURITY_SCHEMES: Readonly<Record<string, JsonObject>> = {
  basic: {
    type: 'http',
    scheme: 'basic',
    description: 'Name of the account, and its password or one of its API tokens',
  },
  bearer: { type: 'http', scheme: 'bearer', description: 'An API token' },
  token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token', description: 'An API token' },
  certificate: { type: 'mutualTLS', description: 'A client certificate of an authority that the provider trusts' },
};

/** The members of all parts together. */
function joined<Item>(
  items: readonly Item[],
  partOf: (item: Item) => Record<string, JsonObject>,
): Record<string, JsonObject> {
  return Object.fromEntries(items.flatMap((item) => Object.entries(partOf(item))));
}

function schemasOf({ registry, version }: Described, category: AnyCategory): Record<string, JsonObject> {
  switch (category.class) {
    case 'kind':
      return kindSchemas(registry, category, version);
    case 'mixin':
      return { [keyOf(category.id)]: mixinSchema(registry, category, version) };
    case 'action':
      return { [keyOf(category.id)]: actionSchema(registry, category, version) };
  }
}

function tagsOf(kinds: readonly Kind[]): JsonObject[] {
  const named = (name: string, description: string): JsonObject => ({ name, description });
  const located = kinds.filter((kind) => kind.location !== undefined);
  const byTitle = new Map(located.map((kind) => [kind.title ?? kind.term, kind.id]));
  return [
    named('query interface', 'What this server knows, and the mixins that users define'),
    named('root', 'Everything below /'),
    ...[...byTitle].map(([title, id]) => named(title, id)),
    named('mixins', 'Who has which mixin'),
    named('uploads', 'Files in pieces'),
    named('events', 'What happens, as it happens'),
    named('health', 'For those who run the server'),
    named('description', 'This document'),
  ];
}
