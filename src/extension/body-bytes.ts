/** The bytes of a request's body, for readers that may stop halfway. */

import type { Readable } from 'node:stream';

/**
 * Bytes as they come. Unlike the message's own iterator this one leaves the message as it is when its reader stops early,
 * by an error or by choice: a destroyed message cannot be drained, and then the refusal may never reach the sender.
 */
export function bytesOf(message: Readable): AsyncIterable<Uint8Array> {
  return message.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
}
