/** Faults of headers, negotiation and renderings. */

import {
  acts,
  addLine,
  all,
  answerWith,
  as,
  ask,
  collection,
  creates,
  entity,
  header,
  isPlain,
  json,
  model,
  refusals,
  rewrite,
  saying,
  without,
} from '../breakages.js';
import { fault, type Fault } from './fault.js';

const plainModel = all(model, isPlain);
const plainEntity = all(entity, isPlain);

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

export const MESSAGE_FAULTS: readonly Fault[] = [...PROTOCOL, ...RENDERINGS, ...JSON_FAULTS];
