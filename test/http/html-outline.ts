/** The outline of a page: its elements in order, held to be well-formed, and what assistive technology needs of them. */

export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Text inside, tags left out. */
  text: string;
}

const VOID = new Set(['meta', 'link', 'input', 'br', 'img', 'hr']);
const TAG = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-zA-Z:-]+(?:="[^"]*")?)*)\s*(\/?)>/g;

/** @throws Error where elements are not closed in order, or something looks like a tag and is none */
export function outline(page: string): Element[] {
  const text = page.replace(/^<!doctype html>/i, '');
  const stray = text.replace(TAG, '').match(/[<>]/);
  if (stray)
    throw new Error(`markup that is none: ${text.replace(TAG, '').slice(stray.index, (stray.index ?? 0) + 80)}`);
  const elements: Element[] = [];
  const open: Element[] = [];
  let last = 0;
  for (const match of text.matchAll(TAG)) {
    const [whole, closing, name = '', attributes = ''] = match;
    const between = text.slice(last, match.index);
    for (const element of open) element.text += between;
    last = match.index + whole.length;
    if (closing === '/') {
      const opened = open.pop();
      if (opened?.name !== name) throw new Error(`</${name}> closes <${opened?.name}>`);
      continue;
    }
    const element = { name, attributes: attributesOf(attributes), text: '' };
    elements.push(element);
    if (!VOID.has(name)) open.push(element);
  }
  if (open.length > 0) throw new Error(`<${open[0]?.name}> is not closed`);
  return elements;
}

/** What is wrong with the page for those who do not see it (WCAG 2.2, 1.3.1, 2.4.2, 2.4.6, 3.1.1, 4.1.2). */
export function barriers(elements: readonly Element[]): string[] {
  const found: string[] = [];
  const ids = elements.flatMap(({ attributes }) => attributes['id'] ?? []);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id ${id} twice`);
  const of = (name: string): Element[] => elements.filter((element) => element.name === name);
  if (of('html')[0]?.attributes['lang'] !== 'en') found.push('no language');
  if (of('title')[0]?.text.trim() === '') found.push('no title');
  if (of('main').length !== 1) found.push(`${of('main').length} main`);
  if (of('h1').length !== 1) found.push(`${of('h1').length} h1`);
  const labels = new Set(of('label').map(({ attributes }) => attributes['for']));
  for (const { name, attributes } of elements) {
    for (const reference of ['for', 'aria-labelledby', 'list']) {
      const id = attributes[reference];
      if (id !== undefined && !ids.includes(id)) found.push(`${reference}=${id} leads nowhere`);
    }
    for (const id of (attributes['aria-describedby'] ?? '').split(' ').filter(Boolean)) {
      if (!ids.includes(id)) found.push(`aria-describedby=${id} leads nowhere`);
    }
    const field = ['input', 'select', 'textarea'].includes(name);
    const needsLabel = field && !['hidden', 'checkbox'].includes(attributes['type'] ?? '');
    if (needsLabel && !labels.has(attributes['id'])) found.push(`${name} ${attributes['name']} has no label`);
    if (name === 'th' && attributes['scope'] === undefined) found.push('th without scope');
    if ('style' in attributes || Object.keys(attributes).some((key) => key.startsWith('on'))) {
      found.push(`${name} carries style or script`);
    }
  }
  for (const { name, text } of elements) {
    if (['a', 'button', 'h1', 'h2', 'summary', 'label'].includes(name) && text.trim() === '')
      found.push(`empty ${name}`);
  }
  return found;
}

function attributesOf(text: string): Record<string, string> {
  const entries = [...text.matchAll(/([a-zA-Z:-]+)(?:="([^"]*)")?/g)].map(([, name = '', value = '']) => [name, value]);
  return Object.fromEntries(entries) as Record<string, string>;
}
