/** Actions on one entity and on collections (GFD.223 §10.3.2, §11.3.3; GFD.185 §3.4.3). */

import { notFound, problem } from '../../base/errors.js';
import type { Entities } from '../../extension/entities.js';
import type { Write } from '../../extension/kind-handler.js';
import { categoryView } from '../../occi/visible.js';
import { resolveAction } from '../../occi/resolve/index.js';
import type { TypeId } from '../../occi/model.js';
import type { OcciRequest } from '../../occi/request.js';
import { findEntity } from '../../store/entities.js';
import type { Answer } from '../answer.js';
import { onlyParameters, parameter } from '../target.js';
import { categoriesAnswer, okAnswer } from './answers.js';
import { preconditionOf } from './etag.js';
import type { Exchange } from './exchange.js';
import type { AnswerType } from './media.js';
import type { RequestReader } from './reading.js';

export class Invoking {
  readonly #entities: Entities;
  readonly #reader: RequestReader;

  constructor(entities: Entities, reader: RequestReader) {
    this.#entities = entities;
    this.#reader = reader;
  }

  /** The term of `?action=`, if the URL has one. An action is only ever invoked by POST. */
  static termOf(exchange: Exchange): string | undefined {
    const term = parameter(exchange.target, 'action');
    if (term === undefined) return undefined;
    onlyParameters(exchange.target, ['action', 'all-tenants']);
    if (exchange.method === 'POST' && term !== '') return term;
    throw problem(
      'malformed',
      'occi.action-term',
      term === '' ? 'action= names no action' : 'actions are invoked by POST',
      {
        place: { field: 'action' },
        rule: 'GFD.223 §10.3.2',
        remedy: 'POST to ?action=<term> with the category of the action',
      },
    );
  }

  async onEntity(exchange: Exchange, type: AnswerType, id: string, kind: TypeId, term: string): Promise<Answer> {
    const { request } = await this.#reader.read(exchange);
    const expected = preconditionOf(exchange);
    const outcome = await this.#entities.write(exchange.context, exchange.registry, async (write) => {
      const entity = await this.#entities.find(write, id);
      if (entity.kind !== kind) throw notFound();
      const invocation = this.#resolve(exchange, request, entity.kind, entity.mixins, term);
      return this.#entities.act(write, id, invocation, expected);
    });
    if (!outcome.minted) return okAnswer(type);
    const registry = exchange.registry.provider.with([...exchange.registry.userMixins, outcome.minted]);
    return categoriesAnswer(type, [categoryView(outcome.minted, registry, exchange.version)]);
  }

  /** Acts on all members or none (GFD.185 §3.6.4). An action that the location's own category lacks is refused (C-119). */
  async onMembers(
    exchange: Exchange,
    type: AnswerType,
    members: (write: Write) => Promise<readonly string[]>,
    term: string,
    definedBy: { kind: TypeId; mixins: readonly TypeId[] },
  ): Promise<Answer> {
    const { request } = await this.#reader.read(exchange);
    const invocation = this.#resolve(exchange, request, definedBy.kind, definedBy.mixins, term);
    await this.#entities.write(exchange.context, exchange.registry, async (write) => {
      for (const id of await members(write)) {
        const entity = await findEntity(write.tx, id);
        if (entity) this.#resolve(exchange, request, entity.kind, entity.mixins, term);
        await this.#entities.act(write, id, invocation);
      }
    });
    return okAnswer(type);
  }

  #resolve(
    exchange: Exchange,
    request: OcciRequest,
    kind: TypeId,
    mixins: readonly TypeId[],
    term: string,
  ): ReturnType<typeof resolveAction> {
    return resolveAction(request, exchange.registry, kind, mixins, term, exchange.version);
  }
}
