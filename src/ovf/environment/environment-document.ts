/** A file that a guest finds beside its environment document (OVF 2 EnvironmentFilesSection). */
export interface EnvironmentDocument {
  /** Relative to {@link ENVIRONMENT_FOLDER}. */
  readonly path: string;
  /** Its bytes in Base64. */
  readonly base64: string;
}

/** Where such files lie beside the document, on the CD (example of DSP0243 2.x) and wherever else it is put. */
export const ENVIRONMENT_FOLDER = 'ovffiles';
