import { readFileSync } from 'node:fs';
import { VERSION } from '../../src/base/version.js';

it('the version that VEP tells is that of its package', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(VERSION).toBe(version);
});
