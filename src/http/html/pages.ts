/**
 * The browsable API: every OCCI URL as a page, for those who ask for `text/html` by name. A page is one more rendering of
 * what the OCCI dispatch answers, and its forms are one more way to write the requests that the dispatch takes.
 */

import { problem, Problem } from '../../base/errors.js';
import type { BodyReader, Rendering } from '../../extension/extension.js';
import type { Handlers } from '../../extension/handlers.js';
import { parseEntityView } from '../../occi/json/index.js';
import { CORE_LINK, CORE_RESOURCE, isLinkView, type EntityView, type Kind } from '../../occi/model.js';
import type { Answer } from '../answer.js';
import { statusOf } from '../errors.js';
import { placeOf, type OcciDispatch, type Place } from '../occi/dispatch.js';
import type { Exchange } from '../occi/exchange.js';
import { onlyParameters, parameter } from '../target.js';
import { kindPage, mixinPage, unboundPage, type Members } from './collection-page.js';
import { endsOf, entityPage } from './entity-page.js';
import type { Attempt } from './fields.js';
import { LIST_PARAMETERS, pagingOf, readFilter } from './filter.js';
import { asked, headerOf, neighbours, textOf, type Ask } from './inner.js';
import { pageAnswer, type Page } from './layout.js';
import { wantsPage } from './negotiation.js';
import { planPage } from './plan-page.js';
import { problemPage } from './problem-page.js';
import { PROTECTION } from './protection.js';
import { queryPage } from './query-page.js';
import { rawAnswer, rawLinks, rawTypes } from './raw.js';
import { contentType, isForm, readSubmission, requireOwnPage, type Submission } from './submission.js';
import { translate } from './translation.js';

export interface PagesServices {
  readonly dispatch: OcciDispatch;
  readonly handlers: Handlers;
  readonly renderings: readonly Rendering[];
  readonly bodyReaders: readonly BodyReader[];
  /** Most entities that a page of a list may have. */
  readonly pageSize: number;
}

/** Entities on a page unless the URL says otherwise. */
const NUMBER = 25;
/** More make a page that nobody reads; the other renderings give them. */
const MOST_ON_A_PAGE = 500;
/** Ends that are suggested for a new link. */
const MOST_ENDS = 100;
const MULTIPART = 'multipart/form-data';

export class Pages {
  readonly #services: PagesServices;
  readonly #ask: Ask;

  constructor(services: PagesServices) {
    this.#services = services;
    this.#ask = (exchange) => services.dispatch.answer(exchange);
  }

  /** Whether a page answers: to a browser that reads, or that submits a form. */
  answers(exchange: Exchange): boolean {
    if (!wantsPage(exchange.fields.accept)) return false;
    const { method } = exchange;
    return method === 'GET' || method === 'HEAD' || isForm(exchange) || this.#isUpload(exchange);
  }

  /** @throws Problem as the OCCI request does that the page stands for */
  async answer(exchange: Exchange): Promise<Answer> {
    const place = placeOf(exchange);
    if (exchange.method !== 'POST') return this.#read(exchange, place);
    requireOwnPage(exchange);
    onlyParameters(exchange.target, []);
    return this.#isUpload(exchange) ? this.#upload(exchange) : this.#submit(exchange, place);
  }

  /** A refusal as a page, for whatever URL it was. */
  static refusal(refused: Problem, requestId: string): Answer {
    const status = statusOf(refused);
    return pageAnswer(problemPage(refused, status, requestId), undefined, status);
  }

  async #read(exchange: Exchange, place: Place): Promise<Answer> {
    const types = rawTypes(place, this.#services.renderings);
    onlyParameters(exchange.target, parametersOf(place));
    const wanted = parameter(exchange.target, 'as');
    if (wanted !== undefined) return rawAnswer(this.#ask, exchange, types, wanted);
    return pageAnswer({ ...(await this.#page(exchange, place)), raw: rawLinks(exchange, types) }, exchange);
  }

  async #submit(exchange: Exchange, place: Place): Promise<Answer> {
    const submission = await readSubmission(exchange);
    try {
      const { request, next } = await translate(this.#ask, exchange, place, submission);
      const answer = await this.#ask(request);
      if (submission.one('dry-run') !== '') return pageAnswer(planPage(exchange, textOf(answer)), exchange);
      return elsewhere(exchange, next(answer));
    } catch (error) {
      if (!(error instanceof Problem) || !canBeMended(error)) throw error;
      return this.#again(exchange, place, submission, error);
    }
  }

  /** The page with the form as it was filled in, and what is wrong with it. */
  async #again(exchange: Exchange, place: Place, submission: Submission, refused: Problem): Promise<Answer> {
    const page = await this.#page(exchange, place, { submission, problem: refused });
    return pageAnswer(page, exchange, statusOf(refused), Object.entries(refused.headers));
  }

  async #upload(exchange: Exchange): Promise<Answer> {
    const { given: _given, ...request } = asked(exchange, { method: 'POST' });
    return elsewhere(exchange, headerOf(await this.#ask(request), 'Location') ?? exchange.target.path);
  }

  async #page(exchange: Exchange, place: Place, attempt?: Attempt): Promise<Page> {
    switch (place.is) {
      case 'query-interface':
        return queryPage(exchange, attempt);
      case 'entity':
        return this.#entity(exchange, place.kind, attempt);
      case 'kind':
        return this.#kind(exchange, place.kind, attempt);
      case 'mixin':
        return mixinPage(exchange, place.mixin, await this.#members(exchange), attempt);
      case 'unbound':
        return unboundPage(exchange, place.path, await this.#members(exchange));
      case 'nothing':
        // Answers that there is nothing, in the words of the dispatch.
        await this.#ask(asked(exchange, {}));
        throw new Error('the dispatch answers where nothing is');
    }
  }

  async #entity(exchange: Exchange, kind: Kind, attempt: Attempt | undefined): Promise<Page> {
    const answer = await this.#ask(asked(exchange, {}));
    const view = parseEntityView(textOf(answer));
    const etag = headerOf(answer, 'ETag') ?? '';
    const around = await neighbours(this.#ask, exchange, endsOf(view));
    return entityPage({ exchange, kind, view, etag, neighbours: around, attempt });
  }

  async #kind(exchange: Exchange, kind: Kind, attempt: Attempt | undefined): Promise<Page> {
    const { registry } = exchange;
    const { handlers } = this.#services;
    return kindPage({
      exchange,
      kind,
      members: await this.#members(exchange),
      rehearsed: handlers.of(kind.id).dryRun !== undefined,
      uploads: this.#readsUploads(kind),
      ends: registry.isA(kind.id, CORE_LINK) ? await this.#possibleEnds(exchange) : [],
      source: parameter(exchange.target, 'source'),
      attempt,
    });
  }

  async #members(exchange: Exchange): Promise<Members> {
    const given = pagingOf(exchange);
    const query =
      given.length > 0
        ? given
        : ([
            ['page', '1'],
            ['number', String(Math.min(NUMBER, this.#services.pageSize))],
          ] as const);
    const whole = (name: string): number => Number(query.find(([key]) => key === name)?.[1] ?? 0);
    if (whole('number') > MOST_ON_A_PAGE) throw tooMany();
    const views = viewsIn(await this.#ask(asked(exchange, { query, headers: readFilter(exchange) })));
    const around = await neighbours(this.#ask, exchange, views.filter(isLinkView).flatMap(endsOf));
    return { views, neighbours: around, page: whole('page'), number: whole('number') };
  }

  async #possibleEnds(exchange: Exchange): Promise<readonly EntityView[]> {
    const path = exchange.registry.kind(CORE_RESOURCE)?.location;
    if (path === undefined) return [];
    const number = String(Math.min(MOST_ENDS, this.#services.pageSize));
    const query = [
      ['page', '1'],
      ['number', number],
    ] as const;
    return viewsIn(await this.#ask(asked(exchange, { path, query })));
  }

  #isUpload(exchange: Exchange): boolean {
    if (exchange.method !== 'POST' || contentType(exchange) !== MULTIPART) return false;
    const place = placeOf(exchange);
    return place.is === 'kind' && this.#readsUploads(place.kind);
  }

  #readsUploads(kind: Kind): boolean {
    return this.#services.bodyReaders.some(
      (reader) => reader.kind === kind.id && reader.mediaTypes.includes(MULTIPART),
    );
  }
}

function parametersOf(place: Place): readonly string[] {
  switch (place.is) {
    case 'kind':
      return [...LIST_PARAMETERS, 'source'];
    case 'mixin':
    case 'unbound':
      return LIST_PARAMETERS;
    default:
      return ['as'];
  }
}

const MENDABLE: ReadonlySet<Problem['kind']> = new Set([
  'malformed',
  'invalid',
  'forbidden',
  'conflict',
  'precondition-failed',
  'too-large',
  'unmet',
]);

function canBeMended({ kind }: Problem): boolean {
  return MENDABLE.has(kind);
}

function tooMany(): Problem {
  return problem('too-large', 'http.page-too-large', `a page for people has at most ${MOST_ON_A_PAGE} entities`, {
    place: { field: 'number' },
    remedy: `ask for number=${MOST_ON_A_PAGE} or less, or for another rendering`,
  });
}

function elsewhere({ base }: Exchange, location: string): Answer {
  const url = location.startsWith('/') ? base + location : location;
  return {
    status: 303,
    contentType: 'text/plain; charset=utf-8',
    headers: [...PROTECTION, ['Location', url]],
    body: '',
  };
}

function viewsIn(answer: Answer): EntityView[] {
  const { resources = [], links = [] } = JSON.parse(textOf(answer)) as Readonly<
    Record<'resources' | 'links', readonly unknown[] | undefined>
  >;
  return [...resources, ...links].map((item) => parseEntityView(JSON.stringify(item)));
}
