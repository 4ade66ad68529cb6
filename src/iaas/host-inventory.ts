/** A host as a site tells of it to placement: where it is, what it can do, and how much of it is free. */

export interface HostInventory {
  readonly name: string;
  readonly rack: string;
  readonly zone: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  readonly up: boolean;
  readonly traits: readonly string[];
  readonly cores: number;
  readonly freeCores: number;
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
}
