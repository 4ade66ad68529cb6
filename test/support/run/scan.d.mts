export interface Hit {
  /** What the secret is, e.g. `token of an account`; never the secret. */
  readonly what: string;
  /** `plain`, `base64`, `percent`, `hex`. */
  readonly how: string;
  readonly file: string;
  /** What stands around it, the secret itself taken out. */
  readonly near: string;
}

export interface Scanned {
  readonly secrets: number;
  readonly files: number;
  readonly bytes: number;
  readonly hits: readonly Hit[];
}

/** @throws Error when a secret is registered that is too short to be told from chance */
export function scan(directory: string): Promise<Scanned>;

/** Every form in which a secret is looked for. */
export function formsOf(text: string): readonly (readonly [how: string, form: string])[];
