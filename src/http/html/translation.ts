/**
 * From a submitted form to the OCCI request that any other client would send for the same purpose (GFD.223 §9–§11):
 * everything that is checked is checked there, once, for all renderings.
 */

import type { AnyCategory, EntityView } from '../../occi/model.js';
import { isLinkView } from '../../occi/model.js';
import { parseEntityView } from '../../occi/json/index.js';
import type { CategoryRef } from '../../occi/request.js';
import type { Answer } from '../answer.js';
import type { Place } from '../occi/dispatch.js';
import type { Exchange } from '../occi/exchange.js';
import { changeable, presentValue } from './entity-forms.js';
import { fieldText } from './fields.js';
import { asked, describing, headerOf, NOTHING, textOf, type Ask } from './inner.js';
import { inputs, noSuchForm, type Submission } from './submission.js';

export interface Translated {
  readonly request: Exchange;
  /** Where the browser goes when it is done: a path, or what the answer says. */
  readonly next: (answer: Answer) => string;
}

/** @throws Problem `malformed` for a form that the place does not have */
export async function translate(
  ask: Ask,
  exchange: Exchange,
  place: Place,
  submission: Submission,
): Promise<Translated> {
  const { registry, target } = exchange;
  const stay = (): string => target.path;
  switch (place.is) {
    case 'kind':
      if (submission.form === 'create') return create(exchange, place.kind, submission);
      break;
    case 'entity':
      return { ...(await onEntity(ask, exchange, submission)) };
    case 'mixin':
      if (submission.form === 'associate' || submission.form === 'dissociate') {
        const given = { ...NOTHING, locations: submission.all('entity'), empty: false };
        return { request: asked(exchange, { method: METHOD[submission.form], given }), next: stay };
      }
      break;
    case 'query-interface':
      if (submission.form === 'define-mixin')
        return { request: define(exchange, submission), next: () => '/-/#mixins' };
      if (submission.form === 'forget-mixin') {
        const categories = submission.all('mixin').map((id) => refOf(id, registry.get(id)));
        const given = { ...NOTHING, categories, empty: false };
        return { request: asked(exchange, { method: 'DELETE', given }), next: () => '/-/#mixins' };
      }
      break;
    default:
  }
  throw noSuchForm(`this page has no form ${submission.form}`);
}

const METHOD = { associate: 'POST', dissociate: 'DELETE' } as const;

function create(exchange: Exchange, kind: AnyCategory, submission: Submission): Translated {
  const mixins = submission.all('mixin').map((id) => refOf(id, exchange.registry.get(id)));
  const given = describing({ categories: [refOf(kind.id, kind), ...mixins], attributes: submission.filled() });
  const dry = submission.one('dry-run') !== '';
  const key = submission.one('key');
  const request = asked(exchange, {
    method: 'POST',
    given,
    query: dry ? [['dry-run', 'true']] : [],
    fields: key === '' ? {} : { 'idempotency-key': key },
  });
  return { request, next: (answer) => headerOf(answer, 'Location') ?? exchange.target.path };
}

async function onEntity(ask: Ask, exchange: Exchange, submission: Submission): Promise<Translated> {
  const { registry, target } = exchange;
  const stay = (): string => target.path;
  const [mixin = ''] = submission.all('mixin');
  switch (submission.form) {
    case 'update': {
      const view = parseEntityView(textOf(await ask(asked(exchange, {}))));
      return { request: update(exchange, view, submission), next: stay };
    }
    case 'act': {
      const id = submission.one('action');
      const action = { action: refOf(id, registry.action(id)), attributes: submission.filled() };
      const given = { ...NOTHING, action, empty: false };
      const query = [['action', id.slice(id.indexOf('#') + 1)]] as const;
      return { request: asked(exchange, { method: 'POST', query, given }), next: stay };
    }
    case 'add-mixin': {
      const given = describing({ categories: [refOf(mixin, registry.get(mixin))], attributes: submission.filled() });
      return { request: asked(exchange, { method: 'POST', given }), next: stay };
    }
    case 'remove-mixin': {
      const path = registry.mixin(mixin)?.location;
      if (path === undefined) throw noSuchForm('it names no mixin');
      const given = { ...NOTHING, locations: [target.path], empty: false };
      return { request: asked(exchange, { method: 'DELETE', path, given }), next: stay };
    }
    case 'remove': {
      const view = parseEntityView(textOf(await ask(asked(exchange, {}))));
      const next = isLinkView(view) ? view.source.location : (registry.kind(view.kind)?.location ?? '/');
      return { request: asked(exchange, { method: 'DELETE' }), next: () => next };
    }
    default:
      throw noSuchForm(`this page has no form ${submission.form}`);
  }
}

/**
 * A partial update with the fields that were changed. A field that was emptied takes its attribute away, which only a
 * full update can say; that one then holds everything that can be changed, as the form had it.
 */
function update(exchange: Exchange, view: EntityView, submission: Submission): Exchange {
  const entered = submission.attributes();
  const fields = changeable(exchange.registry, view).flatMap(({ name }) => {
    const before = fieldText(presentValue(view, name));
    return [{ name, before, now: entered.get(name) ?? before }];
  });
  const known = new Set(fields.map(({ name }) => name));
  const others = [...submission.filled().keys()].filter((name) => !known.has(name));
  const emptied = fields.some(({ before, now }) => before !== '' && now === '');
  const sent = fields.filter(({ before, now }) => now !== '' && (emptied || now !== before));
  const attributes = inputs([
    ...sent.map(({ name, now }) => [name, now] as const),
    ...others.map((name) => [name, entered.get(name) ?? ''] as const),
  ]);
  const etag = submission.one('etag');
  return asked(exchange, {
    method: emptied ? 'PUT' : 'POST',
    given: describing({ attributes }),
    fields: etag === '' ? {} : { 'if-match': etag },
  });
}

function define(exchange: Exchange, submission: Submission): Exchange {
  const title = submission.one('title');
  const category: CategoryRef = {
    class: 'mixin',
    scheme: submission.one('scheme'),
    term: submission.one('term'),
    location: submission.one('location'),
    ...(title === '' ? {} : { title }),
  };
  return asked(exchange, { method: 'POST', given: { ...NOTHING, categories: [category], empty: false } });
}

/** A reference by identifier, known or not: what it names is resolved with the rest of the request. */
function refOf(id: string, category: AnyCategory | undefined): CategoryRef {
  const cut = id.indexOf('#') + 1;
  return {
    scheme: id.slice(0, cut),
    term: id.slice(cut),
    ...(category === undefined ? {} : { class: category.class }),
  };
}
