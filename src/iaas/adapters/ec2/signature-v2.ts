/** Signature version 2 of the Query protocol, the newest that Nimbus knows. */

import { createHmac } from 'node:crypto';
import { encoded } from './signature-v4.js';

export interface QueryKey {
  readonly accessId: string;
  readonly secret: string;
}

/** The parameters of a POST with its signature and its time among them, as a form. */
export function signedV2(
  url: URL,
  parameters: Readonly<Record<string, string>>,
  { accessId, secret }: QueryKey,
  now: number,
): string {
  const all: Record<string, string> = {
    ...parameters,
    AWSAccessKeyId: accessId,
    SignatureVersion: '2',
    SignatureMethod: 'HmacSHA256',
    Timestamp: `${new Date(now).toISOString().slice(0, 19)}Z`,
  };
  const query = Object.keys(all)
    .sort()
    .map((name) => `${encoded(name)}=${encoded(all[name] ?? '')}`)
    .join('&');
  const text = ['POST', url.host.toLowerCase(), url.pathname, query].join('\n');
  const signature = createHmac('sha256', secret).update(text).digest('base64');
  return `${query}&Signature=${encoded(signature)}`;
}
