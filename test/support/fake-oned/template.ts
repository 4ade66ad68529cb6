/** Templates inside oned: sorted attributes, single or vectors, read from the text form or the XML form, written as XML. */

import { readDocument, type Branch } from '../../../src/iaas/document.js';
import { Refused } from './wire.js';

export type Vector = Map<string, string>;

export class Template {
  readonly #entries: { readonly name: string; readonly value: string | Vector }[] = [];

  /** @throws Refused 8192 in oned's words where the text is no template */
  static parse(text: string): Template {
    const template = new Template();
    if (text.trimStart().startsWith('<')) for (const branch of readDocument(text).children) template.#take(branch);
    else template.#read(text);
    return template;
  }

  #take(branch: Branch): void {
    if (branch.text.includes(']]>')) throw new Refused(8192, 'Error transforming the Template to XML');
    if (branch.children.length === 0) return this.add(branch.name.toUpperCase(), branch.text);
    this.add(branch.name.toUpperCase(), new Map(branch.children.map((each) => [each.name.toUpperCase(), each.text])));
  }

  #read(text: string): void {
    const attribute = /\s*([A-Za-z0-9_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|\[([^\]]*)\]|([^\s=#,[\]]*))/gy;
    let end = 0;
    for (let found = attribute.exec(text); found; found = attribute.exec(text)) {
      end = attribute.lastIndex;
      const [, name = '', quoted, vector, bare] = found;
      if (vector === undefined) {
        this.add(name.toUpperCase(), (quoted ?? bare ?? '').replaceAll('\\"', '"'));
        continue;
      }
      const members = [...vector.matchAll(/([A-Za-z0-9_]+)\s*=\s*"((?:[^"\\]|\\.)*)"/g)];
      this.add(name.toUpperCase(), new Map(members.map(([, key = '', value = '']) => [key.toUpperCase(), value])));
    }
    if (text.slice(end).trim() !== '')
      throw new Refused(
        8192,
        'Parse error: syntax error, unexpected $end, expecting COMMA or CBRACKET at line 1, columns 27:32',
      );
  }

  add(name: string, value: string | Vector): void {
    this.#entries.push({ name, value });
  }

  set(name: string, value: string | Vector): void {
    this.remove(name);
    this.add(name, value);
  }

  remove(name: string): void {
    for (let index = this.#entries.length - 1; index >= 0; index--)
      if (this.#entries[index]?.name === name) this.#entries.splice(index, 1);
  }

  drop(value: Vector): void {
    const index = this.#entries.findIndex((entry) => entry.value === value);
    if (index !== -1) this.#entries.splice(index, 1);
  }

  get(name: string): string | undefined {
    const found = this.#entries.find((entry) => entry.name === name)?.value;
    return typeof found === 'string' ? found : undefined;
  }

  vectors(name: string): Vector[] {
    return this.#entries.flatMap((entry) =>
      entry.name === name && typeof entry.value !== 'string' ? [entry.value] : [],
    );
  }

  get names(): readonly string[] {
    return [...new Set(this.#entries.map((entry) => entry.name))];
  }

  /** What others have replaces what is here, name by name. */
  merge(other: Template): void {
    for (const name of other.names) this.remove(name);
    for (const entry of other.#entries) this.add(entry.name, entry.value);
  }

  /** A part of it, as a template of its own. */
  only(wanted: (name: string) => boolean): Template {
    const part = new Template();
    for (const { name, value } of this.#entries) if (wanted(name)) part.add(name, value);
    return part;
  }

  /** Sorted by name, as oned keeps them. */
  xml(root: string): string {
    const sorted = [...this.#entries].sort((one, other) =>
      one.name < other.name ? -1 : one.name > other.name ? 1 : 0,
    );
    return `<${root}>${sorted.map(({ name, value }) => (typeof value === 'string' ? cdata(name, value) : vectorXml(name, value))).join('')}</${root}>`;
  }
}

export function vectorXml(name: string, vector: Vector): string {
  const members = [...vector].sort(([one], [other]) => (one < other ? -1 : 1));
  return `<${name}>${members.map(([key, value]) => cdata(key, value)).join('')}</${name}>`;
}

export function cdata(name: string, value: string | number): string {
  return `<${name}><![CDATA[${value}]]></${name}>`;
}

export function element(name: string, value: string | number): string {
  return `<${name}>${typeof value === 'string' ? value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;') : value}</${name}>`;
}
