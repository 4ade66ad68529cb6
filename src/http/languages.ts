/** What languages a client would rather read (RFC 9110 §12.5.4), best first. */

const MOST = 20;
const LONGEST = 1_000;
const RANGE = /^([a-z]{1,8}(?:-[a-z0-9]{1,8})*)(?:\s*;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;

/** Tags of BCP 47 in order of preference; what is malformed, unwanted (`q=0`) or says nothing (`*`) is left out. */
export function acceptedLanguages(field: string | undefined): readonly string[] {
  if (field === undefined || field.length > LONGEST) return [];
  const ranges = field.split(',').flatMap((range) => {
    const [, language, quality = '1'] = RANGE.exec(range.trim()) ?? [];
    return language === undefined || Number(quality) === 0 ? [] : [{ language, quality: Number(quality) }];
  });
  return ranges
    .slice(0, MOST)
    .sort((a, b) => b.quality - a.quality)
    .map(({ language }) => language);
}
