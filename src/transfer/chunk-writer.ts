/** Where a stream of chunks goes. */
export interface ChunkWriter {
  /** Resolves when there is room for more. The chunk must not change any more. Throws what an earlier write failed of. */
  write(chunk: Uint8Array): Promise<void>;
  /** Resolves when everything has been written. */
  end(): Promise<void>;
}
