import { expect, it } from 'vitest';
import { isReleaseBefore } from './release.ts';

it.each([
  ['7.2.22', '10.1', true],
  ['10.0.13', '10.1', true],
  ['10.1.0', '10.1', false],
  ['11.0.1', '10.1', false],
  ['5.2.0', '5.10', true],
  ['6.0', '6.0', false],
])('QEMU %s is older than release %s: %s', (version, release, older) => {
  expect(isReleaseBefore(version, release)).toBe(older);
});
