/** Faults of collections, entities and links. */

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
  dropLines,
  entity,
  header,
  isPlain,
  puts,
  refusals,
  removes,
  rewrite,
  saying,
  swallow,
  updates,
  without,
} from '../breakages.js';
import { fault, type Fault } from './fault.js';

const plainEntity = all(entity, isPlain);
const plainCollection = all(collection, isPlain);

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

export const RESOURCE_FAULTS: readonly Fault[] = [...COLLECTIONS, ...ENTITIES, ...LINKS];
