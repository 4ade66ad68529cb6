/** Nothing that a client stored can become markup (OWASP output encoding; S-017). */

import fc from 'fast-check';
import { html, visible } from '../../src/http/html/template.js';

describe('the html tag', () => {
  it('escapes every value and leaves markup of its own alone', () => {
    const inner = html`<b>${'<script>'}</b>`;
    expect(html`<p title="${'"onload="x'}">${inner}${'&'}${3}${false}${undefined}${['<', inner]}</p>`.toString()).toBe(
      '<p title="&quot;onload=&quot;x"><b>&lt;script&gt;</b>&amp;3&lt;<b>&lt;script&gt;</b></p>',
    );
  });

  it('lets no text out of an element or an attribute', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const made = html`<p title="${text}">${text}</p>`.toString();
        expect(made).toMatch(/^<p title="[^<>"']*">[^<>"']*<\/p>$/);
        expect(unescape(made.slice(10, made.indexOf('">')))).toBe(text);
      }),
    );
  });
});

describe('visible text', () => {
  it('shows control and direction characters and keeps line ends and tabs', () => {
    expect(visible('a\u0000b\u001b[31m\u202ec\u2066\nd\te')).toBe('a\\u0000b\\u001b[31m\\u202ec\\u2066\nd\te');
  });
});

function unescape(text: string): string {
  const chars: Record<string, string> = { lt: '<', gt: '>', quot: '"', '#39': "'", amp: '&' };
  return text.replace(/&(#?\w+);/g, (_, name: string) => chars[name] ?? '');
}
