/** How the services of OpenStack answer: each refuses in its own shape, as they were recorded. */

export interface Request {
  readonly method: string;
  /** Below the service's root, without its query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** The address the client asked, for links and catalogs. */
  readonly base: string;
  /** Things on a page, whatever the client asks for (`max_limit`). */
  readonly most: number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** In the place of JSON. */
  readonly page?: string;
  readonly bytes?: Uint8Array;
}

/** Documents of others, as they are. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- requests and answers of OpenStack have many shapes
export type Json = any;

/** A refusal on its way out. */
export class Refusal extends Error {
  readonly answer: Answer;
  constructor(answer: Answer) {
    super(JSON.stringify(answer));
    this.answer = answer;
  }
}

const FAULTS: Readonly<Record<number, string>> = {
  400: 'badRequest',
  403: 'forbidden',
  404: 'itemNotFound',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
};

/** Nova and Cinder. */
export function fault(status: number, message: string, headers: Record<string, string> = {}): Refusal {
  const more = status === 413 ? { retryAfter: '0' } : {};
  const body = { [FAULTS[status] ?? 'computeFault']: { code: status, message, ...more } };
  return new Refusal({ status, headers: { ...headers, ...(status === 413 ? { 'retry-after': '0' } : {}) }, body });
}

/** Nova refuses what only an administrator may do. */
export function mayOnly(admin: boolean, rule: string): void {
  if (!admin) throw fault(403, `Policy doesn't allow ${rule} to be performed.`);
}

export function neutronError(status: number, type: string, message: string): Refusal {
  return new Refusal({ status, body: { NeutronError: { type, message, detail: '' } } });
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  415: 'Unsupported Media Type',
};

/** Glance answers with pages. */
export function glancePage(status: number, message: string): Refusal {
  const title = `${status} ${TITLES[status] ?? 'Error'}`;
  const page = `<html>\n <head>\n  <title>${title}</title>\n </head>\n <body>\n  <h1>${title}</h1>\n  ${message}<br /><br />\n\n\n\n </body>\n</html>`;
  return new Refusal({ status, headers: { 'content-type': 'text/html; charset=UTF-8' }, page });
}

/** Keystone itself, and its middleware before the others. */
export function unauthorized(authUrl: string): Refusal {
  const message = 'The request you have made requires authentication.';
  return new Refusal({
    status: 401,
    headers: { 'www-authenticate': `Keystone uri="${authUrl}"` },
    body: { error: { code: 401, message, title: 'Unauthorized' } },
  });
}

/** Nova and Cinder, of a page that begins nowhere. */
export const noMarker = (marker: string): Refusal => fault(400, `marker [${marker}] not found`);

/** A page of a list, and its link to the next. */
export function paged<T extends { readonly id: string }>(
  request: Request,
  name: string,
  all: readonly T[],
  shown: (item: T) => Json,
  badMarker: (marker: string) => Refusal,
): Json {
  const { query, most } = request;
  const marker = query.get('marker');
  const at = marker === null ? 0 : all.findIndex(({ id }) => id === marker) + 1;
  if (marker !== null && at === 0) throw badMarker(marker);
  const limit = Math.min(Number(query.get('limit') ?? most), most);
  const page = all.slice(at, at + limit);
  const last = page.at(-1);
  if (page.length < limit || !last) return { [name]: page.map(shown) };
  const next = new URLSearchParams(query);
  next.set('marker', last.id);
  // What a service believes itself to be is not where it was asked.
  const href = `http://controller.internal${request.path}?${next.toString()}`;
  return { [name]: page.map(shown), [`${name}_links`]: [{ rel: 'next', href }] };
}

export const documentOf = (request: Request): Json => {
  try {
    return JSON.parse(request.body.toString('utf8'));
  } catch {
    throw fault(400, 'Malformed request body');
  }
};
