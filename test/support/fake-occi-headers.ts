/** `text/occi` at the rim of a server that has lines within (GFD.185 §3.6.2): every field in one header, its values behind commas. */

import type { IncomingHttpHeaders } from 'node:http';

const FIELDS = ['Category', 'X-OCCI-Attribute', 'Link'] as const;

/** The lines that the headers of a request stand for. */
export function linesOf(headers: IncomingHttpHeaders): string {
  return FIELDS.flatMap((name) => {
    const value = headers[name.toLowerCase()];
    if (typeof value !== 'string') return [];
    const text = Buffer.from(value, 'latin1').toString('utf8');
    return (text.match(/(?:"(?:[^"\\]|\\.)*"|<[^>]*>|[^,"<])+/g) ?? []).map((each) => `${name}: ${each.trim()}`);
  }).join('\n');
}

/** The headers that lines stand for. A list has `Location` alone, as with rOCCI-server 1. */
export function headersOf(lines: string): Readonly<Record<string, string>> {
  const values = new Map<string, string[]>();
  for (const line of lines.split('\n')) {
    const [, name, value = ''] = /^([A-Za-z-]+): (.*)$/.exec(line) ?? [];
    if (name === undefined) continue;
    const at = name === 'X-OCCI-Location' ? 'Location' : name;
    values.set(at, [...(values.get(at) ?? []), Buffer.from(value, 'utf8').toString('latin1')]);
  }
  return Object.fromEntries([...values].map(([name, each]) => [name, each.join(',')]));
}
