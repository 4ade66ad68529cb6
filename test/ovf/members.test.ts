/** Which member of a package a reference means (DSP0243 §7.1: relative to the descriptor). */

import { Members } from '../../src/ovf/package/members.js';

it.each<[string, string, readonly string[], string, string | undefined]>([
  ['lies beside its descriptor', 'x.ovf', ['d.img'], 'd.img', 'd.img'],
  ['lies in the folder of its descriptor', 'pkg/x.ovf', ['d.img', 'pkg/d.img'], 'd.img', 'pkg/d.img'],
  ['lies in a folder below', 'pkg/x.ovf', ['pkg/images/d.img'], 'images/d.img', 'pkg/images/d.img'],
  ['lies at the root of the archive all the same', 'pkg/x.ovf', ['images/d.img'], 'images/d.img', 'images/d.img'],
  ['is named as it is meant', 'x.ovf', ['my%20d.img', 'my d.img'], 'my d.img', 'my d.img'],
  ['is named as the href writes it', 'x.ovf', ['my%20d.img'], 'my d.img', 'my%20d.img'],
  ['holds a sign that starts no escape', 'x.ovf', ['100%.img'], '100%.img', '100%.img'],
  ['is not there under its bare name', 'x.ovf', ['d.img'], 'images/d.img', undefined],
])('a file that %s', (_what, descriptor, names, path, found) => {
  expect(new Members(descriptor, new Map(names.map((name) => [name, name]))).get(path)).toBe(found);
});

it('a file may come under its bare name from clients that keep no folders', () => {
  expect(new Members('x.ovf', new Map([['d.img', 1]]), true).get('images/d.img')).toBe(1);
});
