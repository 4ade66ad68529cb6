/** Results of a pure function of a text, kept: what documents say again and again is read once. */

/** Longer texts are read each time: they are rarely the same, and are not worth their memory. */
const LONGEST = 100;

/** `of` with its last results at hand, at most `most` of them. Whoever gets a result must not change it. */
export function remembered<T>(most: number, of: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    if (text.length > LONGEST) return of(text);
    let result = known.get(text);
    if (result !== undefined || known.has(text)) return result as T;
    result = of(text);
    if (known.size >= most) known.clear();
    known.set(text, result);
    return result;
  };
}
