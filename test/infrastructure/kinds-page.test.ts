/** `docs/kinds.md` names everything that a server with the standard configuration offers, and nothing else. */

import { readFileSync } from 'node:fs';
import { serverFor } from '../support/server.js';
import { Wire } from './wire.js';

const server = serverFor();
const wire = new Wire(server);
const PREFIXES = [
  ['http://schemas.ogf.org/occi/', 'ogf:'],
  ['http://schemas.contrail-project.eu/occi/', 'vep:'],
  ['http://', ''],
] as const;
/** The provider's own OS templates come from the configuration. */
const CONFIGURED = 'vep:os_tpl#';

it('names every kind, mixin and action once', async () => {
  const page = readFileSync('docs/kinds.md', 'utf8');
  const named = [...page.matchAll(/^\| `([^`]*#[^`]*)` \|/gm)].map((match) => match[1] ?? '').sort();
  const discovered = (await wire.show('/-/')) as Record<string, { scheme: string; term: string }[]>;
  const offered = new Set(
    Object.values(discovered)
      .flat()
      .map(({ scheme, term }) => shortened(scheme + term)),
  );
  // What only 1.1 offers does not show in the JSON of 1.2.
  const text = await server().request('GET', '/-/', { headers: { accept: 'text/plain', 'user-agent': 'x OCCI/1.1' } });
  for (const [, term, scheme] of text.text.matchAll(/^Category: ([^;]+); scheme="([^"]+)"/gm))
    offered.add(shortened(`${scheme ?? ''}${term ?? ''}`));
  expect(named).toEqual([...offered].filter((id) => !id.startsWith(CONFIGURED)).sort());
});

function shortened(id: string): string {
  const [prefix, short] = PREFIXES.find(([start]) => id.startsWith(start)) ?? ['', ''];
  return short + id.slice(prefix.length);
}
