/**
 * Statements: what the OCCI standards demand of a server, one sentence each, numbered. They stand in the catalogue as
 * lines, `C-041 1.2 MUST: sentence (source)`, so that the catalogue reads as what it is: a list.
 */

/** Versions of OCCI that the suite knows. */
export type Version = '1.1' | '1.2';

export const VERSIONS: readonly Version[] = ['1.1', '1.2'];

/** RFC 2119, and CLIENT: in no standard, but clients in the field need it. */
export type Level = 'MUST' | 'SHOULD' | 'MAY' | 'CLIENT';

export const LEVELS: readonly Level[] = ['MUST', 'SHOULD', 'MAY', 'CLIENT'];

export interface Statement {
  /** `C-041`; interoperability: `I-003` */
  readonly id: string;
  readonly chapter: string;
  readonly versions: readonly Version[];
  readonly level: Level;
  readonly says: string;
  /** The document and section it rests on: `GFD.221 §5.4.3`. For a CLIENT statement, whose client needs it. */
  readonly source: string;
}

const LINE = /^([CI]-\d{3}) (both|1\.1|1\.2) (MUST|SHOULD|MAY|CLIENT): (.*) \(([^()]+)\)$/;

/** @throws Error for a line that is none of a statement: a mistake in the catalogue */
export function statements(chapter: string, lines: string): Statement[] {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      const [, id, versions, level, says, source] = LINE.exec(line) ?? [];
      if (id === undefined || says === undefined || source === undefined) throw new Error(`not a statement: ${line}`);
      return {
        id,
        chapter,
        versions: versions === 'both' ? VERSIONS : [versions as Version],
        level: level as Level,
        says,
        source,
      };
    });
}
