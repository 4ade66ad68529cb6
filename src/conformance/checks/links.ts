/** Links: C-168 … C-179 (GFD.185 §3.4.5, §3.5.2, GFD.221 §5.4.3, GFD.229 §5.5.1). */

import type { Checks } from '../check.js';
import type { Exchange } from '../exchange.js';
import { locationsOf } from '../made.js';
import { PLAIN, type Attributes, type InlineLink } from '../message.js';
import { COMPUTE, INTERFACE, NETWORK, NOBODY, STORAGE, STORAGE_LINK } from '../names.js';
import { Inapplicable } from '../outcome.js';
import type { LinkField, Value } from '../read/fields.js';
import type { Trial } from '../trial.js';

/** A kind of link with the kind of its target and an attribute that a client may set, in two values. */
interface LinkSort {
  readonly kind: string;
  readonly rel: string;
  readonly attribute: string;
  readonly first: string;
  readonly second: string;
}

const SORTS: readonly LinkSort[] = [
  {
    kind: STORAGE_LINK,
    rel: STORAGE,
    attribute: 'occi.storagelink.mountpoint',
    first: '/data',
    second: '/srv',
  },
  {
    kind: INTERFACE,
    rel: NETWORK,
    attribute: 'occi.networkinterface.mac',
    first: '02:00:00:00:00:01',
    second: '02:00:00:00:00:02',
  },
];

function sortOf(trial: Trial): LinkSort {
  const found = SORTS.find(
    ({ kind, rel }) => trial.model.get(kind)?.location !== undefined && trial.model.get(rel)?.location !== undefined,
  );
  if (found === undefined || trial.model.get(COMPUTE) === undefined)
    throw new Inapplicable('the server offers no links of infrastructure');
  return found;
}

interface Inline {
  readonly sort: LinkSort;
  readonly exchange: Exchange;
  readonly path: string;
  readonly target: string;
  /** As the resource shows it. */
  readonly link: LinkField;
}

/** A compute made with a link in the request. */
async function inline(trial: Trial, attributes: Attributes = {}): Promise<Inline> {
  const sort = sortOf(trial);
  const target = await trial.make(sort.rel);
  const given: InlineLink = { target, rel: sort.rel, kind: sort.kind, attributes };
  const path = await trial.creates(COMPUTE, { links: [given] });
  const made = trial.exchanges.findLast(({ request }) => request.method === 'POST');
  const [link] = (await ownedLinks(trial, path)).filter((each) => trial.peer.resolve(each.target) === target);
  trial.holds(link !== undefined, `${path} does not show the link`);
  return { sort, exchange: made as Exchange, path, target, link: link as LinkField };
}

async function ownedLinks(trial: Trial, path: string): Promise<LinkField[]> {
  return (await trial.entity(path)).links.filter(({ action }) => action === undefined);
}

const selfOf = (trial: Trial, link: LinkField): string => {
  trial.holds(link.self !== undefined, `the link has no self: ${link.raw}`);
  return trial.peer.resolve(link.self ?? '');
};

/** A link made at the location of its kind. */
async function direct(
  trial: Trial,
  attributes: Attributes = {},
): Promise<{ sort: LinkSort; source: string; target: string; link: string }> {
  const sort = sortOf(trial);
  const [source, target] = [await trial.make(COMPUTE), await trial.make(sort.rel)];
  return { sort, source, target, link: await trial.makeLink(sort.kind, source, target, { attributes }) };
}

async function shownAt(trial: Trial, source: string, link: string): Promise<LinkField | undefined> {
  return (await ownedLinks(trial, source)).find(({ self }) => self !== undefined && trial.peer.resolve(self) === link);
}

export const LINK_CHECKS: Checks = {
  'C-168': {
    how: 'a compute is made with a link in the request; the link is read by itself',
    run: async (trial) => {
      const { link, sort } = await inline(trial);
      const { categories } = await trial.entity(selfOf(trial, link));
      trial.holds(
        categories.some(({ id }) => id === sort.kind),
        `it is not of the kind ${sort.kind}`,
      );
    },
  },
  'C-169': {
    how: 'the answer to that request',
    run: async (trial) => {
      const { exchange, path } = await inline(trial);
      const shown = locationsOf(exchange).map((url) => trial.peer.resolve(url));
      trial.equal([...new Set(shown)], [path], 'what the answer names', exchange);
    },
  },
  'C-170': {
    how: 'an attribute in the inline link, read from the link',
    run: async (trial) => {
      const { attribute, first } = sortOf(trial);
      const { link } = await inline(trial, { [attribute]: first });
      trial.equal(await trial.value(selfOf(trial, link), attribute), first, attribute);
    },
  },
  'C-171': {
    how: 'POST of source and target to the location of a kind of link',
    run: async (trial) => {
      const { kind, rel } = sortOf(trial);
      const attributes = { 'occi.core.source': await trial.make(COMPUTE), 'occi.core.target': await trial.make(rel) };
      const exchange = await trial.post(trial.location(kind), trial.filled(kind, { attributes }));
      trial.status(exchange, 200, 201);
      const { categories } = await trial.entity(trial.made(exchange, trial.location(kind)));
      trial.holds(
        categories.some(({ id }) => id === kind),
        `it is not of the kind ${kind}`,
      );
    },
  },
  'C-172': {
    how: 'POST without source, and without target',
    run: async (trial) => {
      const { kind, rel } = sortOf(trial);
      const ends = {
        'occi.core.source': await trial.make(COMPUTE),
        'occi.core.target': await trial.make(rel),
      };
      for (const end of Object.keys(ends) as (keyof typeof ends)[])
        trial.status(
          await trial.post(trial.location(kind), trial.filled(kind, { attributes: { [end]: ends[end] } })),
          400,
        );
    },
  },
  'C-173': {
    how: 'POST with a source that nobody has',
    run: async (trial) => {
      const { kind, rel } = sortOf(trial);
      const source = `${trial.peer.resolve(trial.location(COMPUTE))}${NOBODY}`;
      const attributes = { 'occi.core.source': source, 'occi.core.target': await trial.make(rel) };
      trial.refused(await trial.post(trial.location(kind), trial.filled(kind, { attributes })));
    },
  },
  'C-174': {
    how: 'two links are made from one compute, and it is read',
    run: async (trial) => {
      const { sort, source, link } = await direct(trial);
      const second = await trial.makeLink(sort.kind, source, await trial.make(sort.rel));
      for (const each of [link, second])
        trial.holds((await shownAt(trial, source, each)) !== undefined, `${each} is not shown`);
    },
  },
  'C-175': {
    how: 'the target of a link is read',
    run: async (trial) => {
      const { target, link } = await direct(trial);
      trial.equal(await shownAt(trial, target, link), undefined, 'the link at its target');
    },
  },
  'C-176': {
    how: 'the Link line of a compute against the grammar, parameter by parameter',
    run: async (trial) => {
      const { attribute, first, kind, rel } = sortOf(trial);
      const { link, target } = await inline(trial, { [attribute]: first });
      const grammar =
        /^<[^>]+>; ?rel="[^"]+"; ?self="[^"]+"; ?category="[^"]+"(; ?[A-Za-z0-9._-]+=("([^"\\]|\\.)*"|[^";,]+))*$/;
      trial.holds(grammar.test(link.raw), `it does not follow the grammar: ${link.raw}`);
      trial.equal(trial.peer.resolve(link.target), target, 'the target');
      trial.holds(link.rel.includes(rel), `rel is ${link.rel.join(' ')}`);
      trial.equal(link.category[0], kind, 'the first of category');
      trial.equal(link.attributes.get(attribute), first, attribute);
      trial.status(await trial.get(selfOf(trial, link)), 200);
    },
  },
  'C-177': {
    how: 'a link is read by itself',
    run: async (trial) => {
      const { link, source, target } = await direct(trial);
      const { attributes } = await trial.entity(link);
      const end = (name: string): string => trial.peer.resolve(text(attributes.get(name)));
      trial.equal(end('occi.core.source'), source, 'occi.core.source');
      trial.equal(end('occi.core.target'), target, 'occi.core.target');
    },
  },
  'C-178': {
    how: 'a link is read, changed by POST, replaced by PUT, and deleted',
    run: async (trial) => {
      const { attribute, first, second } = sortOf(trial);
      const { link } = await direct(trial, { [attribute]: first });
      trial.status(await trial.post(link, { attributes: { [attribute]: second } }), 200, 201, 204);
      trial.equal(await trial.value(link, attribute), second, attribute);
      const exchange = await trial.get(link, PLAIN);
      const body = exchange.body.split(/\r?\n/).filter((line) => line !== '' && !/^(x-occi-)?link:/i.test(line));
      const replaced = body.join('\r\n').replace(second, first);
      trial.status(await trial.send('PUT', link, { body: replaced }), 200, 201);
      trial.equal(await trial.value(link, attribute), first, attribute);
      trial.status(await trial.send('DELETE', link), 200, 204);
      trial.status(await trial.get(link), 404, 410);
    },
  },
  'C-179': {
    how: 'a link is deleted, and its source read before and after',
    run: async (trial) => {
      const { source, link } = await direct(trial);
      trial.holds((await shownAt(trial, source, link)) !== undefined, `${link} is not shown at its source`);
      trial.status(await trial.send('DELETE', link), 200, 204);
      trial.equal(await shownAt(trial, source, link), undefined, 'the link at its source');
    },
  },
};

const text = (value: Value | undefined): string => (value === undefined ? '' : String(value));
