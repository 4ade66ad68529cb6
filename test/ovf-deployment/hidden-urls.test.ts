/** URLs that open what they name are taken out of what is stored in clear, and put back for the work (K26). */

import { isTelling, shownUrl } from '../../src/base/shown-url.js';
import { hideUrls, revealUrls, shownOrigins } from '../../extensions/ovf-deployment/hidden-urls.js';
import { imageOrigins } from '../../extensions/ovf-deployment/package.js';
import { planOf } from './plan.js';

it.each([
  ['https://s3.example.org/b/disk.img?X-Amz-Signature=00', 'https://s3.example.org/b/disk.img'],
  ['https://alice:sesame@example.org/disk.img#key=1', 'https://…@example.org/disk.img'],
  ['//alice@example.org/x?a', '//…@example.org/x'],
  ['https://example.org/a@b/disk.img', 'https://example.org/a@b/disk.img'],
  ['images/disk.img', 'images/disk.img'],
])('shows %s as %s', (url, shown) => {
  expect([shownUrl(url), isTelling(url)]).toEqual([shown, url !== shown]);
});

const image = (id: string, href: string) => ({ id, href, compression: 'identity' }) as const;
const told = {
  descriptor: '<Envelope/>',
  plan: planOf([], {
    images: [
      image('web', 'https://example.org/a?sig=1'),
      image('beside', 'b.img'),
      image('__proto__', 'https://e.org/c?s=2'),
    ],
    files: [image('plain', 'https://example.org/plain')],
  }),
  images: imageOrigins({
    web: { url: 'https://example.org/a?sig=1' },
    beside: { url: 'https://example.org/b.img?sig=3', path: 'b.img' },
    ['__proto__']: { url: 'https://e.org/c?s=2' },
    plain: { url: 'https://example.org/plain' },
    template: { template: 'http://schemas.example.org/os_tpl#debian' },
    sent: { sha256: '00', href: 'icon.png' },
  }),
};

it('hides every query, and puts each in its place again', () => {
  const { hidden, ...shown } = hideUrls(told, 'https://example.org/app.ovf?sig=4', []);
  expect(JSON.stringify(shown)).not.toMatch(/sig=|s=2|Envelope/);
  expect(shown.images['template']).toEqual(told.images['template']);
  expect(hidden?.packageUrl).toBe('https://example.org/app.ovf?sig=4');
  expect(hidden && revealUrls(shown, hidden)).toEqual(told);
});

it('keeps what the work has learned of a file in between', () => {
  const { hidden, ...shown } = hideUrls(told, undefined, []);
  const digest = { algorithm: 'sha256', hex: '00' } as const;
  const images = shownOrigins(imageOrigins(told.images, { web: { url: 'https://example.org/a?sig=1', digest } }));
  expect(images['web']).toEqual({ url: 'https://example.org/a', digest });
  const revealed = hidden && revealUrls({ ...shown, images }, hidden);
  expect(revealed?.images['web']).toEqual({ url: 'https://example.org/a?sig=1', digest });
});

it('hides the descriptor too where it alone tells something, and nothing where there is nothing to hide', () => {
  const plain = { ...told, plan: planOf([]), images: imageOrigins({}) };
  expect(hideUrls(plain, 'https://example.org/app.ovf', ['https://example.org/icon.png'])).toBe(plain);
  expect(hideUrls(plain, undefined, ['https://example.org/icon.png?sig=1']).descriptor).toBe('');
});
