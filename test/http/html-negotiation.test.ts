/** Who gets a page: browsers, and nobody who has not asked for one (RFC 9110 §12.5.1, GFD.185 §3.6.6). */

import { wantsPage } from '../../src/http/html/negotiation.js';

const CASES: readonly (readonly [name: string, accept: string | undefined, page: boolean])[] = [
  ['nothing', undefined, false],
  ['curl', '*/*', false],
  ['any text', 'text/*', false],
  ['Firefox', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
  [
    'Chromium',
    'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7',
    true,
  ],
  [
    'Lynx, which likes both as well',
    'text/html, text/plain, text/sgml, text/css, application/xhtml+xml, */*;q=0.01',
    false,
  ],
  ['a page by name', 'text/html', true],
  ['in capitals', 'TEXT/HTML', true],
  ['with a charset', 'text/html; charset=utf-8', true],
  ['JSON before pages', 'application/occi+json, text/html;q=0.9', false],
  ['pages before JSON', 'application/occi+json;q=0.5, text/html', true],
  ['no pages', 'text/html;q=0, */*', false],
  ['Java, which says it of itself', 'text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2', false],
  ['rOCCI', 'text/plain,text/occi;q=0.2', false],
];

it.each(CASES)('%s', (_name, accept, page) => {
  expect(wantsPage(accept)).toBe(page);
  expect(wantsPage(accept)).toBe(page);
});
