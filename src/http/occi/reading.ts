/**
 * Reading what came with a request: the headers for `text/occi`, the body for everything else, and the bodies that
 * extensions take in (K05).
 */

import type { IncomingMessage } from 'node:http';
import { excerpt, problem, type Problem } from '../../base/errors.js';
import type { Attachment, BodyReader } from '../../extension/extension.js';
import { parseJson } from '../../occi/json/index.js';
import { parseContentType } from '../../occi/media-type.js';
import type { Kind } from '../../occi/model.js';
import type { OcciRequest } from '../../occi/request.js';
import { parseTextOcci, parseTextPlain, parseUriList } from '../../occi/text/index.js';
import { decodeText, readBody } from '../body.js';
import type { Exchange } from './exchange.js';
import { OCCI_JSON, TEXT_OCCI, TEXT_OCCI_PLAIN, TEXT_PLAIN, TEXT_URI_LIST } from './media.js';

export interface Read {
  readonly request: OcciRequest;
  readonly attachments: readonly Attachment[];
}

/** The OCCI headers of a message. Cheap when there are none, as on most reads. */
export function readHeaders(message: IncomingMessage): OcciRequest {
  const { headers } = message;
  const any =
    headers['category'] !== undefined ||
    headers['x-occi-attribute'] !== undefined ||
    headers['x-occi-location'] !== undefined ||
    headers['x-occi-category'] !== undefined ||
    headers['x-occi-link'] !== undefined ||
    headers['link'] !== undefined;
  if (!any) return NO_REQUEST;
  const raw = message.rawHeaders;
  const pairs: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) pairs.push([raw[index] ?? '', raw[index + 1] ?? '']);
  return parseTextOcci(pairs);
}

/** What a message without OCCI headers says. */
export const NO_REQUEST: OcciRequest = { entities: [], categories: [], locations: [], empty: true };

export class RequestReader {
  readonly #bodyReaders: readonly BodyReader[];
  readonly #maxBodyBytes: number;

  constructor(bodyReaders: readonly BodyReader[], maxBodyBytes: number) {
    this.#bodyReaders = bodyReaders;
    this.#maxBodyBytes = maxBodyBytes;
  }

  /**
   * @param kind the kind that would be created here, for which extensions may read further media types
   * @throws Problem `unsupported-media-type`, `malformed`, `too-large`
   */
  async read(exchange: Exchange, kind?: Kind): Promise<Read> {
    const { message, headers, given } = exchange;
    if (given) return { request: given, attachments: [] };
    const written = message.headers['content-type'];
    const type = parseContentType(written);
    const hasBody =
      Number(message.headers['content-length'] ?? 0) > 0 || message.headers['transfer-encoding'] !== undefined;
    const reader = this.#bodyReaders.find(
      ({ mediaTypes, kind: creates }) => type && mediaTypes.includes(type.type) && kind?.id === creates,
    );
    if (reader) return reader.read(message, headers, exchange.context);
    // A text/occi request is read from its headers whatever its body (C-215).
    if (type?.type === TEXT_OCCI || (!hasBody && !headers.empty)) return { request: headers, attachments: [] };
    // Without a Content-Type the sender leaves it to us; one that cannot be read is not a text (C-191).
    if (!type && hasBody && written !== undefined && written.trim() !== '') throw this.#unreadable(written);
    const text = decodeText(await readBody(message, this.#maxBodyBytes), type?.parameters.get('charset'));
    return {
      request: this.#parse(type?.type ?? (headers.empty ? TEXT_PLAIN : TEXT_OCCI), text, exchange),
      attachments: [],
    };
  }

  #parse(type: string, text: string, exchange: Exchange): OcciRequest {
    switch (type) {
      case TEXT_PLAIN:
      case TEXT_OCCI_PLAIN:
        // curl sends its own type for a body-less POST with OCCI headers; what is in the headers is then meant.
        return text.trim() === '' ? exchange.headers : parseTextPlain(text);
      case TEXT_OCCI:
        return exchange.headers;
      case TEXT_URI_LIST:
        return parseUriList(text);
      case OCCI_JSON:
      case 'application/json':
        return text.trim() === '' ? exchange.headers : parseJson(text);
      default:
        throw this.#unreadable(type);
    }
  }

  #unreadable(type: string): Problem {
    const known = [TEXT_PLAIN, TEXT_OCCI, OCCI_JSON, ...this.#bodyReaders.flatMap((reader) => reader.mediaTypes)];
    return problem(
      'unsupported-media-type',
      'http.content-type',
      `a request body of type ${excerpt(type)} cannot be read here`,
      { place: { field: 'Content-Type' }, rule: 'GFD.223 §5.2', remedy: `send ${known.join(', ')}` },
    );
  }
}
