/**
 * How the client says that something went wrong: the server refused ({@link ClientError}, with the server's own faults),
 * or could not be reached at all ({@link ConnectionError}). Nothing else leaves the client as an exception.
 */

import { messageOf, type Fault } from '../base/errors.js';
import { isJsonObject, type JsonValue } from '../base/json.js';

/** The server answered, but not with what was asked for. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  /** HTTP status of the answer. */
  readonly status: number;
  /** At least one; several when the server found several things wrong. */
  readonly faults: readonly Fault[];
  /** The server's id of the request, for its log. */
  readonly request: string | undefined;

  constructor(status: number, faults: readonly Fault[], request?: string) {
    super(faults.map((fault) => fault.message).join('; '));
    this.status = status;
    this.faults = faults;
    this.request = request;
  }
}

/** No answer: nobody listens, the connection broke and stayed broken, or TLS failed. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly endpoint: string;

  constructor(endpoint: string, cause: unknown) {
    super(`no answer from ${endpoint}: ${reasonOf(cause)}`, { cause });
    this.endpoint = endpoint;
  }
}

/** True when nobody was listening, as opposed to a connection that was lost. */
export function isRefusal(cause: unknown): boolean {
  return codesOf(cause).some((code) => ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'].includes(code));
}

/** The error of an answer whose status is not one of success. Bodies are JSON, or the text of a proxy in between. */
export async function errorOf(response: Response): Promise<ClientError> {
  const text = await response.text().catch(() => '');
  const request = response.headers.get('x-request-id') ?? undefined;
  return new ClientError(response.status, faultsIn(text) ?? [plainFault(response.status, text)], request);
}

function faultsIn(text: string): Fault[] | undefined {
  let body: JsonValue;
  try {
    body = JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
  const faults = isJsonObject(body) ? body['faults'] : undefined;
  if (!Array.isArray(faults)) return undefined;
  const found = (faults as readonly JsonValue[]).flatMap((fault) => asFault(fault) ?? []);
  return found.length > 0 ? found : undefined;
}

function asFault(json: JsonValue): Fault | undefined {
  if (!isJsonObject(json) || typeof json['message'] !== 'string') return undefined;
  const { code, severity, place, rule, remedy, value } = json;
  return {
    code: typeof code === 'string' ? code : 'unknown',
    message: json['message'],
    ...(severity === 'error' || severity === 'warning' || severity === 'info' ? { severity } : {}),
    ...(isJsonObject(place) ? { place: asPlace(place) } : {}),
    ...(typeof rule === 'string' ? { rule } : {}),
    ...(typeof remedy === 'string' ? { remedy } : {}),
    ...(typeof value === 'string' ? { value } : {}),
  };
}

function asPlace({ line, column, path, field }: Readonly<Record<string, JsonValue>>): NonNullable<Fault['place']> {
  return {
    ...(typeof line === 'number' ? { line } : {}),
    ...(typeof column === 'number' ? { column } : {}),
    ...(typeof path === 'string' ? { path } : {}),
    ...(typeof field === 'string' ? { field } : {}),
  };
}

function plainFault(status: number, text: string): Fault {
  const [first = ''] = text.trim().split('\n');
  const said = first === '' || first.startsWith('<') ? '' : `: ${first.slice(0, 200)}`;
  return { code: `http.${status}`, message: `the server answered ${status}${said}` };
}

/** `fetch` wraps what really happened, sometimes twice. */
function reasonOf(cause: unknown): string {
  const inner = isObject(cause) ? (cause['cause'] ?? cause) : cause;
  const message = isObject(inner) && typeof inner['message'] === 'string' ? inner['message'] : messageOf(inner);
  return message === '' ? (codesOf(cause)[0] ?? 'the connection failed') : message;
}

/** Codes of an error, of what caused it and of the errors it gathers. */
function codesOf(error: unknown): string[] {
  if (!isObject(error)) return [];
  const { code, cause, errors } = error;
  const inner = [...(Array.isArray(errors) ? (errors as unknown[]) : []), cause].flatMap(codesOf);
  return typeof code === 'string' ? [code, ...inner] : inner;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
