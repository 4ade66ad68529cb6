/** Faults that servers have had, or could have, each with the statement that must catch it. */

import type { Version } from '../../src/conformance/index.js';
import {
  acts,
  addLine,
  all,
  answerWith,
  as,
  ask,
  at,
  collection,
  creates,
  defines,
  dropLines,
  entity,
  header,
  isPlain,
  json,
  model,
  puts,
  refusals,
  removes,
  rewrite,
  saying,
  swallow,
  undefines,
  updates,
  without,
} from './breakages.js';
import type { Breakage } from './faulty-server.js';

export interface Fault {
  readonly id: string;
  readonly says: string;
  readonly breakage: Breakage;
  /** 1.2 when absent. */
  readonly version?: Version;
}

const plainModel = all(model, isPlain);
const plainEntity = all(entity, isPlain);
const plainCollection = all(collection, isPlain);

const fault = (id: string, says: string, breakage: Breakage, version: Version = '1.2'): Fault => ({
  id,
  says,
  breakage,
  version,
});

const CLASSIFICATION: readonly Fault[] = [
  fault('C-001', 'core#link is not shown', dropLines(plainModel, /^Category: link; scheme="[^"]*core#"/)),
  fault('C-002', 'a category is shown twice', rewrite(plainModel, /^(Category: compute;.*)$/m, '$1\r\n$1')),
  fault('C-004', 'a kind has no rel', rewrite(plainModel, /(Category: storage;[^\r]*?) rel="[^"]*";/, '$1')),
  fault(
    'C-005',
    'compute is a link',
    rewrite(plainModel, /(Category: compute;[^\r]*?rel="[^"]*core#)resource/, '$1link'),
  ),
  fault(
    'C-006',
    'an entity shows what nobody defines',
    addLine(plainEntity, 'X-OCCI-Attribute: com.example.secret="x"'),
  ),
  fault(
    'C-007',
    'an action that a kind lists is no category',
    dropLines(plainModel, /^Category: start; scheme="[^"]*compute/),
  ),
  fault(
    'C-008',
    'core#resource has no summary',
    rewrite(plainModel, /(core#"; class="kind"; title="Resource".*?) occi.core.summary/, '$1'),
  ),
  fault(
    'C-009',
    'core#entity can be made',
    swallow(all(creates, saying('entity; scheme="http://schemas.ogf.org/occi/core#"')), 201),
  ),
  fault('C-010', 'attributes without a kind make something', answerWith(all(creates, refusals), 201)),
  fault('C-012', 'an unknown kind is taken', answerWith(all(creates, refusals), 201)),
  fault('C-014', 'a change of kind is taken', answerWith(all(puts, refusals), 200)),
  fault('C-015', 'mixins are not shown', dropLines(plainEntity, /class="mixin"/)),
  fault('C-016', 'all ids are equal', rewrite(plainEntity, /occi\.core\.id="[^"]*"/, 'occi.core.id="urn:uuid:1"')),
  fault('C-017', 'an id has blanks', rewrite(plainEntity, /occi\.core\.id="/, 'occi.core.id="my id ')),
  fault('C-018', 'an id is a bare number', rewrite(plainEntity, /occi\.core\.id="[^"]*"/, 'occi.core.id="17"')),
  fault('C-019', 'updates are acknowledged and forgotten', swallow(updates)),
  fault(
    'C-021',
    'the vlan that is given is not kept',
    ask(creates, ({ body }) => ({ body: body.replace(/^.*vlan=.*$/m, '') })),
  ),
  fault('C-023', 'a change of an immutable attribute is acknowledged', answerWith(all(updates, refusals), 200)),
  fault('C-024', 'a missing attribute is not missed', answerWith(all(creates, refusals), 201)),
  fault(
    'C-026',
    'defaults of templates are not applied',
    rewrite(plainEntity, /occi\.compute\.cores=\d+/, 'occi.compute.cores=63'),
  ),
  fault(
    'C-029',
    'applies is not shown',
    json(model, (all_) => ({
      ...all_,
      mixins: all_.mixins.map(({ applies: _, ...rest }: object & { applies?: unknown }) => rest),
    })),
  ),
  fault('C-030', 'a mixin goes on anything', answerWith(all(updates, refusals), 200)),
  fault(
    'C-033',
    "the provider's kind is in OGF's scheme",
    addLine(
      plainModel,
      'Category: teapot; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"; rel="http://schemas.ogf.org/occi/core#resource"; location="/teapot/"',
    ),
  ),
  fault(
    'C-034',
    "the provider's attribute is in OGF's name space",
    rewrite(plainModel, ' occi.compute.hostname', ' occi.compute.hostname occi.compute.colour'),
  ),
  fault(
    'C-035',
    "the provider's attribute has no domain",
    rewrite(plainModel, ' occi.compute.hostname', ' occi.compute.hostname colour'),
  ),
  fault('C-036', 'new entities are listed late', dropLines(all(collection, as('text/uri-list')), /./)),
  fault('C-037', 'a deleted link stays', swallow(removes)),
  fault('C-039', 'a link from nowhere is made', answerWith(all(creates, refusals), 201)),
  fault('C-041', 'links lead nowhere else', answerWith(all(creates, at('/link/')), 400)),
];

const INFRASTRUCTURE: readonly Fault[] = [
  fault('C-044', 'compute has no hostname', rewrite(plainModel, ' occi.compute.hostname', '')),
  fault(
    'C-045',
    'compute has a speed in 1.2',
    rewrite(plainModel, ' occi.compute.hostname', ' occi.compute.hostname occi.compute.speed'),
  ),
  fault(
    'C-048',
    'stop has no method',
    rewrite(plainModel, /(Category: stop; .*?) attributes="method"/, '$1 attributes="how"'),
  ),
  fault('C-049', 'a new compute is running away', rewrite(plainEntity, /state="inactive"/, 'state="booting"')),
  fault('C-050', 'start is acknowledged and nothing starts', swallow(acts)),
  fault('C-051', 'stop is acknowledged and nothing stops', swallow(all(acts, saying('stop; scheme')))),
  fault(
    'C-057',
    'start is always shown',
    addLine(
      plainEntity,
      'Link: </x?action=start>; rel="http://schemas.ogf.org/occi/infrastructure/compute/action#start"',
    ),
  ),
  fault('C-059', 'any vlan will do', answerWith(all(creates, refusals), 201)),
  fault('C-063', 'a storage needs no size', answerWith(all(creates, refusals), 201)),
  fault(
    'C-068',
    'the device name is mutable',
    rewrite(plainModel, 'networkinterface.interface{immutable}', 'networkinterface.interface'),
  ),
  fault('C-072', 'a network has no state', dropLines(plainEntity, /occi\.network\.state=/)),
  fault(
    'C-075',
    'templates show their sizes',
    rewrite(plainModel, /(Category: small; .*location="[^"]*")/, '$1; attributes="occi.compute.cores"'),
    '1.1',
  ),
  fault(
    'C-077',
    "the client's size wins over the template's",
    rewrite(plainEntity, /occi\.compute\.cores=\d+/, 'occi.compute.cores=5'),
  ),
  fault(
    'C-078',
    'the old template stays',
    addLine(
      all(plainEntity, at('/compute/')),
      'Category: small; scheme="http://schemas.ogf.org/occi/infrastructure/compute/template/1.1#"; class="mixin"',
    ),
  ),
  fault('C-082', 'user data can be changed', answerWith(all(updates, refusals), 200)),
  fault(
    'C-262',
    'the profile is not advertised',
    header(
      () => true,
      'server',
      () => 'faulty OCCI/1.1 OCCI/1.2',
    ),
  ),
];

const QUERY_INTERFACE: readonly Fault[] = [
  fault(
    'C-085',
    'a kind is shown without its attributes',
    rewrite(plainModel, /(Category: storage;.*?) attributes="[^"]*";/, '$1'),
  ),
  fault('C-086', 'the well-known URL shows less', dropLines(at('/.well-known/'), /^Category: compute/)),
  fault(
    'C-087',
    'a location has no slash at its end',
    rewrite(plainModel, 'location="/storage/"', 'location="/storage"'),
  ),
  fault(
    'C-088',
    'two mixins share a location',
    rewrite(plainModel, /location="[^"]*resource_tpl\/[a-z_]+\/"/g, 'location="/mixin/resource_tpl/one/"'),
  ),
  fault(
    'C-089',
    'core#entity has a location',
    rewrite(plainModel, 'title="Entity type";', 'title="Entity type"; location="/entity/";'),
  ),
  fault('C-090', 'filters are ignored', without(model, 'category'), '1.1'),
  fault('C-092', 'filters work for text/plain alone', without(all(model, as('text/occi')), 'category')),
  fault('C-093', 'broken filters are ignored', without(model, 'category'), '1.1'),
  fault('C-094', 'a mixin is acknowledged and forgotten', swallow(defines)),
  fault('C-095', 'a mixin needs no location', answerWith(all(defines, refusals), 200)),
  fault(
    'C-097',
    'only the first of several mixins is added',
    ask(defines, ({ body }) => ({ body: body.split('\r\n')[0] ?? '' })),
  ),
  fault('C-098', 'a removed mixin stays', swallow(undefines)),
  fault('C-100', "the provider's mixins can be removed", answerWith(all(undefines, refusals), 200), '1.1'),
  fault(
    'C-102',
    'PUT replaces the model',
    answerWith(({ method, path }) => method === 'PUT' && path === '/-/', 200),
  ),
];

const COLLECTIONS: readonly Fault[] = [
  fault('C-104', 'the last entity is not listed', dropLines(plainCollection, /X-OCCI-Location/)),
  fault('C-105', 'lists are bare URLs', rewrite(plainCollection, 'X-OCCI-Location: ', '')),
  fault(
    'C-106',
    'text/uri-list lists one more',
    addLine(all(collection, as('text/uri-list')), 'http://127.0.0.1/network/1'),
  ),
  fault('C-107', 'what is listed cannot be read', answerWith(entity, 404)),
  fault('C-108', 'filters by category are ignored', without(collection, 'category'), '1.1'),
  fault('C-109', 'filters by attribute are ignored', without(collection, 'x-occi-attribute'), '1.1'),
  fault(
    'C-111',
    'a filter without matches is an error',
    answerWith(
      all(collection, ({ headers }) => 'x-occi-attribute' in headers),
      404,
    ),
  ),
  fault('C-113', '201 without Location', header(creates, 'location')),
  fault('C-115', 'any kind can be made anywhere', answerWith(all(creates, refusals), 201), '1.1'),
  fault(
    'C-116',
    'of several entities one is made',
    ask(all(creates, saying('"resources"')), ({ body }) => ({ body: JSON.stringify(JSON.parse(body).resources[0]) })),
  ),
  fault(
    'C-120',
    'PUT on a kind is taken',
    answerWith(({ method, path }) => method === 'PUT' && path === '/network/', 200),
  ),
  fault(
    'C-121',
    'a collection is deleted and still there',
    swallow(({ method, path }) => method === 'DELETE' && path === '/network/'),
  ),
  fault(
    'C-122',
    'page and number are ignored',
    ask(collection, () => ({ query: '' })),
  ),
  fault(
    'C-123',
    'there is nothing past the end',
    answerWith(({ query }) => query.includes('page=100000'), 404),
  ),
  fault(
    'C-124',
    'too large a page is an error of its own',
    answerWith(({ query }) => query.includes('number=1000000000'), 400),
  ),
  fault(
    'C-125',
    'pages overlap',
    ask(collection, ({ query }) => ({ query: query.replace('page=2', 'page=1') })),
  ),
  fault(
    'C-126',
    'a mixin lists more than its members',
    rewrite(all(collection, as('text/uri-list'), at('/conformance-')), /$/, 'http://127.0.0.1/network/1\r\n'),
  ),
  fault('C-127', 'associations are acknowledged and forgotten', swallow(all(creates, at('/conformance-')))),
  fault('C-128', 'an association is answered with OK', rewrite(all(creates, at('/conformance-')), /^[^]*$/, 'OK')),
  fault(
    'C-129',
    'an unknown entity among others is passed over',
    answerWith(all(creates, refusals, at('/conformance-')), 200),
  ),
  fault(
    'C-130',
    'PUT on a mixin adds only',
    ask(
      ({ method }) => method === 'PUT',
      () => ({ method: 'POST' }),
    ),
  ),
  fault(
    'C-131',
    'an empty PUT changes nothing',
    swallow(({ method, body }) => method === 'PUT' && body === ''),
  ),
  fault(
    'C-132',
    'DELETE with one URL takes all out',
    ask(
      ({ method, path }) => method === 'DELETE' && path.startsWith('/conformance-'),
      () => ({ body: '' }),
    ),
  ),
  fault('C-135', 'the root lists nothing', dropLines(at('^/$'), /./), '1.1'),
  fault('C-137', 'the root ignores filters', without(at('^/$'), 'x-occi-attribute', 'category'), '1.1'),
  fault('C-140', 'every path is there', answerWith(refusals, 200)),
];

const ENTITIES: readonly Fault[] = [
  fault('C-142', 'the title is not shown', dropLines(plainEntity, /occi\.core\.title/)),
  fault('C-143', 'what is gone is answered with 410', answerWith(all(entity, refusals), 410)),
  fault('C-147', 'PUT is answered with OK', rewrite(puts, /^[^]*$/, 'OK')),
  fault(
    'C-148',
    'PUT leaves what is not in it',
    ask(puts, () => ({ method: 'POST' })),
  ),
  fault('C-150', 'PUT takes Links', answerWith(all(puts, refusals), 200), '1.1'),
  fault(
    'C-152',
    'POST replaces the whole',
    ask(updates, ({ body }) => ({
      method: 'PUT',
      body: `Category: network; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"\r\n${body}`,
    })),
  ),
  fault('C-153', 'POST is answered with OK', rewrite(updates, /^[^]*$/, 'OK')),
  fault('C-154', 'a mixin in POST is passed over', swallow(updates)),
  fault('C-155', 'a Link in POST is passed over', swallow(updates), '1.1'),
  fault('C-157', 'unknown attributes are passed over', answerWith(all(updates, refusals), 200)),
  fault('C-158', 'broken bodies are taken', answerWith(all(updates, refusals), 200)),
  fault('C-160', 'an action needs no rendering', answerWith(all(acts, refusals), 200)),
  fault('C-161', 'the URL decides which action it is', answerWith(all(acts, refusals), 200)),
  fault('C-163', 'any parameter will do', answerWith(all(acts, refusals), 200)),
  fault('C-164', 'DELETE is acknowledged and forgotten', swallow(removes)),
  fault(
    'C-166',
    'links outlive their resource',
    answerWith(all(entity, at('/networkinterface/|/storagelink/'), refusals), 200),
  ),
];

const LINKS: readonly Fault[] = [
  fault(
    'C-168',
    'links in a creation are passed over',
    ask(creates, ({ body }) => ({ body: body.replace(/^Link:.*$/m, '') })),
  ),
  fault(
    'C-170',
    'attributes in an inline link are passed over',
    ask(creates, ({ body }) => ({ body: body.replace(/; occi\.storagelink\.mountpoint="[^"]*"/, '') })),
  ),
  fault('C-172', 'a link needs one end', answerWith(all(creates, refusals), 201)),
  fault('C-174', 'links are not shown', dropLines(plainEntity, /^Link:.*self=/)),
  fault('C-176', 'a link does not say where it is', rewrite(plainEntity, / self="[^"]*";/g, '')),
  fault('C-177', 'a link does not show its ends', dropLines(plainEntity, /occi\.core\.(source|target)=/)),
];

const PROTOCOL: readonly Fault[] = [
  fault('C-180', 'refusals have no Server', header(refusals, 'server')),
  fault(
    'C-181',
    'a higher version is served',
    without(() => true, 'user-agent'),
  ),
  fault(
    'C-183',
    'JSON is the default',
    ask(
      ({ headers }) => headers['accept'] === undefined,
      ({ headers }) => ({ headers: { ...headers, accept: 'application/occi+json' } }),
    ),
    '1.1',
  ),
  fault('C-186', 'text/occi+plain is unknown', answerWith(as('text/occi+plain'), 406)),
  fault(
    'C-187',
    'Content-Type is always text/plain',
    header(
      () => true,
      'content-type',
      () => 'text/plain',
    ),
  ),
  fault('C-188', 'what cannot be rendered is sent as text', without(as('image/png'), 'accept')),
  fault('C-189', 'an entity as text/uri-list is 406', answerWith(all(entity, refusals), 406)),
  fault('C-191', 'JSON is taken for text', answerWith(all(creates, refusals), 201)),
  fault(
    'C-192',
    'the answer has the type of the request',
    ask(creates, ({ headers }) => ({ headers: { ...headers, accept: headers['content-type'] ?? '' } })),
  ),
  fault(
    'C-193',
    'Accept is not sent',
    header(() => true, 'accept'),
  ),
  fault(
    'C-194',
    'unknown methods are bad requests',
    answerWith(({ method }) => method === 'PATCH', 400),
  ),
  fault('C-196', '401 without WWW-Authenticate', header(refusals, 'www-authenticate')),
  fault(
    'C-200',
    'the ETag never changes',
    header(entity, 'etag', () => '"1"'),
  ),
];

const RENDERINGS: readonly Fault[] = [
  fault('C-201', 'parameters are out of order', rewrite(plainModel, /(scheme="[^"]*core#"); (class="kind")/, '$2; $1')),
  fault('C-202', 'a term has capitals', rewrite(plainModel, 'Category: storage;', 'Category: Storage;'), '1.1'),
  fault('C-204', 'class is something else', rewrite(plainModel, /class="action"/g, 'class="verb"')),
  fault('C-205', 'required attributes do not say so', rewrite(plainModel, '{required}', '')),
  fault('C-206', 'actions are terms alone', rewrite(plainModel, /actions="[^"]*#start [^"]*"/, 'actions="start stop"')),
  fault('C-208', 'numbers are quoted', rewrite(plainEntity, /vlan=(\d+)/, 'vlan="$1"')),
  fault('C-209', 'quotes are not escaped', rewrite(plainEntity, '\\"', '"')),
  fault('C-210', 'a string ends at a comma', rewrite(plainEntity, /(occi\.core\.title="[^",]*),[^\r]*/, '$1"')),
  fault(
    'C-211',
    'of a field that comes twice the first counts',
    ask(
      all(creates, ({ headers }) => 'x-occi-attribute' in headers),
      ({ headers }) => ({
        headers: { ...headers, 'x-occi-attribute': headers['x-occi-attribute']?.split(',')[0] ?? '' },
      }),
    ),
  ),
  fault('C-212', 'an action link has the wrong rel', rewrite(plainEntity, /action#start"/g, 'action#begin"')),
  fault('C-213', 'there is a line of something else', addLine(plainEntity, 'Powered by a faulty server')),
  fault('C-214', 'text/occi has no OK', rewrite(as('text/occi'), 'OK', '')),
  fault(
    'C-215',
    'the body of text/occi is read',
    ask(all(creates, saying('text/occi')), ({ headers, body }) =>
      body === '' ? {} : { headers: { ...headers, 'content-type': 'text/plain' } },
    ),
  ),
  fault(
    'C-216',
    'text/uri-list has field names',
    rewrite(all(collection, as('text/uri-list')), 'http://', 'X-OCCI-Location: http://'),
  ),
  fault('C-217', 'lists in text/occi are in Location', header(all(collection, as('text/occi')), 'x-occi-location')),
  fault(
    'C-218',
    'headers are cut',
    header(all(model, as('text/occi')), 'category', (before) => before.slice(0, 4096)),
  ),
  fault('C-219', 'source has another name', rewrite(plainEntity, 'occi.core.source=', 'occi.core.from=')),
  fault('C-220', 'of two actions the first counts', answerWith(all(acts, refusals), 200)),
];

const JSON_FAULTS: readonly Fault[] = [
  fault(
    'C-222',
    'an entity has no id',
    json(entity, ({ id: _, ...rest }) => rest),
  ),
  fault(
    'C-223',
    'ends of a link are strings',
    json(entity, (link) => ({ ...link, source: link.source?.location })),
  ),
  fault(
    'C-224',
    'the kind of a target is not said',
    json(entity, (link) => ({ ...link, target: link.target && { location: link.target.location } })),
  ),
  fault(
    'C-225',
    'links of a resource are URLs',
    json(entity, (resource) => ({ ...resource, links: resource.links?.map((link: { id: string }) => link.id) })),
  ),
  fault(
    'C-226',
    'attributes are nested',
    json(entity, ({ attributes, ...rest }) => ({ ...rest, attributes: { occi: attributes } })),
  ),
  fault(
    'C-227',
    'numbers are strings',
    json(entity, ({ attributes, ...rest }) => ({
      ...rest,
      attributes: Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)])),
    })),
  ),
  fault(
    'C-228',
    'collections are bare arrays',
    json(collection, (all_) => ({ entities: all_.resources ?? all_.links })),
  ),
  fault(
    'C-229',
    'mixins are not in the model',
    json(model, ({ mixins: _, ...rest }) => rest),
  ),
  fault(
    'C-230',
    'parents are lists',
    json(model, (all_) => ({
      ...all_,
      kinds: all_.kinds.map((kind: { parent?: string }) => ({ ...kind, parent: [kind.parent] })),
    })),
  ),
  fault(
    'C-231',
    'depends is a string',
    json(model, (all_) => ({
      ...all_,
      mixins: all_.mixins.map((mixin: { depends?: string[] }) => ({ ...mixin, depends: mixin.depends?.[0] })),
    })),
  ),
  fault(
    'C-232',
    'a description has members of the provider',
    json(model, (all_) => (all_.kinds[0].attributes['occi.core.id'].unit = 'GiB') && all_),
  ),
  fault(
    'C-233',
    'a pattern is a string',
    json(model, (all_) => (all_.kinds[0].attributes['occi.core.id'].pattern = '^urn:') && all_),
  ),
  fault(
    'C-235',
    'actions in JSON are refused',
    answerWith(
      all(acts, ({ headers }) => (headers['content-type'] ?? '').includes('json')),
      400,
    ),
  ),
  fault(
    'C-236',
    'a resource has a member of the provider',
    json(entity, (resource) => ({ ...resource, href: '/here' })),
  ),
  fault(
    'C-237',
    'JSON shows another title',
    json(entity, (resource) => ({ ...resource, summary: 'other' })),
  ),
  fault('C-238', 'half an object is taken', answerWith(all(creates, refusals), 201)),
  fault('C-239', 'a string is taken for a number', answerWith(all(creates, refusals), 201)),
  fault('I-003', 'lists are paths', rewrite(all(collection, as('text/uri-list')), /http:\/\/[^/]*/g, '')),
  fault('I-009', 'there are no blanks after semicolons', rewrite(plainModel, '; class=', ';class=')),
  fault('I-013', '204 or 404 without Content-Type', header(refusals, 'content-type')),
  fault(
    'I-014',
    'the kind is not first',
    rewrite(plainEntity, /^(Category: [^\r]*)\r\n(Category: [^\r]*)/, '$2\r\n$1'),
  ),
];

export const FAULTS: readonly Fault[] = [
  ...CLASSIFICATION,
  ...INFRASTRUCTURE,
  ...QUERY_INTERFACE,
  ...COLLECTIONS,
  ...ENTITIES,
  ...LINKS,
  ...PROTOCOL,
  ...RENDERINGS,
  ...JSON_FAULTS,
];
