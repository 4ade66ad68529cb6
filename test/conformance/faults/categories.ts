/** Faults of what a server shows of its kinds, mixins and actions, and of how it keeps to them. */

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
} from '../breakages.js';
import { fault, type Fault } from './fault.js';

const plainModel = all(model, isPlain);
const plainEntity = all(entity, isPlain);

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

export const CATEGORY_FAULTS: readonly Fault[] = [...CLASSIFICATION, ...INFRASTRUCTURE, ...QUERY_INTERFACE];
