/**
 * What is counted of the requests, for Prometheus. No label tells tenants apart (K23): methods, classes of answers and
 * codes of refusals are few and fixed.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Problem } from '../base/errors.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'];

export class RequestMetrics {
  readonly registry = new Registry();
  readonly #requests: ReadonlyMap<string, Counter.Internal>;
  readonly #duration: Histogram;
  readonly #refusals: Counter;
  readonly #open: Gauge;

  constructor() {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    const requests = new Counter({
      name: 'vep_http_requests_total',
      help: 'Answered requests',
      labelNames: ['method', 'class'],
      registers,
    });
    const classes = ['2xx', '3xx', '4xx', '5xx'];
    // Label children are bound once: looking them up costs more than counting.
    this.#requests = new Map(
      [...METHODS, 'other'].flatMap((method) =>
        classes.map((name) => [`${method} ${name}`, requests.labels(method, name)] as const),
      ),
    );
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
    this.#open = new Gauge({ name: 'vep_http_requests_open', help: 'Requests being answered', registers });
  }

  follow(message: IncomingMessage, response: ServerResponse): void {
    const began = performance.now();
    this.#open.inc();
    response.once('close', () => {
      this.#open.dec();
      this.#duration.observe((performance.now() - began) / 1000);
      const method = METHODS.includes(message.method ?? '') ? message.method : 'other';
      this.#requests.get(`${method} ${Math.floor(response.statusCode / 100)}xx`)?.inc();
    });
  }

  refused(problem: Problem): void {
    this.#refusals.labels(problem.kind).inc();
  }
}
