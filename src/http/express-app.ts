/**
 * What stands beside OCCI: health, metrics, resumable uploads, the event stream, and the URLs that extensions bring.
 * Rare or long-lived requests, for which Express's router costs nothing that counts.
 */

import express, { Router, type Express, type NextFunction, type Request, type Response } from 'express';
import type { Principal } from '../access/principal.js';
import { Problem, notFound } from '../base/errors.js';
import type { Route } from '../extension/extension.js';
import type { FrontServices, Marked } from './front.js';

/** Answers one request or rejects with a Problem. */
export type Handler = (
  request: Request & Marked,
  response: Response,
  principal: Principal | undefined,
) => Promise<void>;

export interface Endpoint {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  readonly path: string;
  /** Answered without knowing who asks. */
  readonly open?: true;
  readonly handle: Handler;
}

export function createExpressApp(
  endpoints: readonly Endpoint[],
  { identification, vigil, signedIn }: Pick<FrontServices, 'identification' | 'vigil' | 'signedIn'>,
  refuse: (request: Marked, response: Response, requestId: string, error: unknown) => void,
): Express {
  const app = express();
  app.set('etag', false);
  app.set('x-powered-by', false);
  app.set('query parser', false);
  const router = Router({ strict: false });
  for (const endpoint of endpoints) {
    router[endpoint.method](endpoint.path, async (request, response) => {
      const principal = endpoint.open ? undefined : await identification.require(request);
      if (principal) {
        const requestId = (request as Marked).vep?.requestId ?? '';
        if (principal.credential) signedIn(principal, requestId);
        vigil.follow(request, response, principal, (error) => refuse(request, response, requestId, error));
      }
      await endpoint.handle(request, response, principal);
    });
  }
  const paths = [...new Set(endpoints.map((endpoint) => endpoint.path))];
  for (const path of paths) {
    const allowed = endpoints
      .filter((endpoint) => endpoint.path === path)
      .map((endpoint) => endpoint.method.toUpperCase());
    router.all(path, (request) => {
      const fault = {
        code: 'http.method-not-allowed',
        message: `${request.method} is not defined on this URL`,
        remedy: `use ${allowed.join(', ')}`,
      };
      throw new Problem('method-not-allowed', fault, { headers: { Allow: allowed.join(', ') } });
    });
  }
  app.use(router);
  app.use(() => {
    throw notFound();
  });
  // Express tells an error handler by its four parameters.
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const marked = request as Marked;
    refuse(marked, response, marked.vep?.requestId ?? '', error);
  });
  return app;
}

/** A route of an extension as an endpoint. */
export function endpointOf(route: Route): Endpoint {
  return {
    method: route.method.toLowerCase() as Endpoint['method'],
    path: route.path,
    ...(route.open ? { open: true as const } : {}),
    handle: (request, response, principal) =>
      route.handle(request, response, request.params as Record<string, string>, principal),
  };
}
