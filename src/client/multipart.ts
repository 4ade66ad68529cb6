/**
 * `multipart/form-data` (RFC 7578) written as a stream, so that images of any size go from disk to socket without being
 * held: the parts of an appliance in the order of K05 are `entity`, `sla`, `ovf`, `file`….
 */

export interface Part {
  readonly name: string;
  readonly filename: string;
  readonly mediaType: string;
  /** Called once for every try to send it. */
  readonly open: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export interface MultipartBody {
  readonly contentType: string;
  readonly open: () => ReadableStream<Uint8Array>;
}

/** `boundary`: 1 to 70 characters that occur in no part. */
export function multipart(parts: readonly Part[], boundary: string): MultipartBody {
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    // The DOM types lack `from`, which Node has since version 20.6.
    open: () => (ReadableStream as unknown as StreamFactory).from(written(parts, boundary)),
  };
}

interface StreamFactory {
  from(source: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array>;
}

async function* written(parts: readonly Part[], boundary: string): AsyncGenerator<Uint8Array, void, undefined> {
  for (const { name, filename, mediaType, open } of parts) {
    yield Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${quoted(filename)}"\r\n` +
        `Content-Type: ${mediaType}\r\n\r\n`,
    );
    yield* open();
    yield Buffer.from('\r\n');
  }
  yield Buffer.from(`--${boundary}--\r\n`);
}

/** As browsers write file names (HTML Living Standard, multipart/form-data encoding). */
function quoted(filename: string): string {
  return filename.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
