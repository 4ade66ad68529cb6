/** Host names of a plan's machines: one DNS label (RFC 1123 §2.1) each, made from the `ovf:id`, unique in the plan. */

const MAX_LABEL = 63;

/**
 * A function that turns a wish into a label that it has not given before.
 *
 * @param longest how many characters a label may have
 */
export function hostnames(longest = MAX_LABEL): (wish: string) => string {
  const given = new Set<string>();
  const nextNumber = new Map<string, number>();
  return (wish) => {
    const label = toLabel(wish, longest);
    let name = label;
    for (let number = nextNumber.get(label) ?? 2; given.has(name); number += 1) {
      const suffix = `-${number}`;
      name = `${label.slice(0, longest - suffix.length)}${suffix}`;
      nextNumber.set(label, number + 1);
    }
    given.add(name);
    return name;
  };
}

function toLabel(wish: string, longest: number): string {
  const label = wish
    .slice(0, 200)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, longest)
    .replace(/^-|-$/g, '');
  return label === '' ? 'machine' : label;
}
