/**
 * What is counted of the requests, for Prometheus. No label tells tenants apart (K23): methods, classes of answers and
 * codes of refusals are few and fixed.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Problem } from '../base/errors.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'];
const CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'];

export class RequestMetrics {
  readonly registry = new Registry();
  /** By method and class of the answer. */
  readonly #requests: ReadonlyMap<string, readonly Counter.Internal[]>;
  readonly #otherRequests: readonly Counter.Internal[];
  readonly #duration: Histogram;
  readonly #refusals: Counter;
  #open = 0;

  constructor() {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    const requests = new Counter({
      name: 'vep_http_requests_total',
      help: 'Answered requests',
      labelNames: ['method', 'class'],
      registers,
    });
    // Label children are bound once: looking them up costs more than counting.
    const bound = (method: string): Counter.Internal[] => CLASSES.map((name) => requests.labels(method, name));
    this.#requests = new Map(METHODS.map((method) => [method, bound(method)]));
    this.#otherRequests = bound('other');
    this.#duration = new Histogram({
      name: 'vep_http_request_seconds',
      help: 'Time from request to end of answer',
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
      registers,
    });
    this.#refusals = new Counter({
      name: 'vep_http_refusals_total',
      help: 'Requests refused, by kind',
      labelNames: ['kind'],
      registers,
    });
    const open = (): number => this.#open;
    new Gauge({
      name: 'vep_http_requests_open',
      help: 'Requests being answered',
      registers,
      collect() {
        this.set(open());
      },
    });
  }

  follow(message: IncomingMessage, response: ServerResponse): void {
    const began = performance.now();
    this.#open += 1;
    response.once('close', () => {
      this.#open -= 1;
      this.#duration.observe((performance.now() - began) / 1000);
      const counters = this.#requests.get(message.method ?? '') ?? this.#otherRequests;
      counters[Math.floor(response.statusCode / 100) - 1]?.inc();
    });
  }

  refused(problem: Problem): void {
    this.#refusals.labels(problem.kind).inc();
  }
}
