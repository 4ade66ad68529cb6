/**
 * Header fields that keep a browser from doing with a page what it is not meant for (S-071, S-117): a Content-Security-Policy that allows
 * this server's own style sheet, script and forms and nothing else, no framing. Set by helmet, once.
 */

import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';

const protect = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      styleSrc: ["'self'"],
      scriptSrc: ["'self'"],
      imgSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
  },
  // With no-referrer a browser says `Origin: null` of its own forms, and they could not be told from foreign ones.
  referrerPolicy: { policy: 'same-origin' },
  xFrameOptions: { action: 'deny' },
  // Sent with every answer, pages or not; the one over TLS alone.
  xContentTypeOptions: false,
  strictTransportSecurity: false,
});

/** Name and value of each field. */
export const PROTECTION: readonly (readonly [string, string])[] = (() => {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  protect(response.req, response, () => undefined);
  return response.getHeaderNames().map((name) => [name, String(response.getHeader(name))] as const);
})();
