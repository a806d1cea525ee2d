import { expect, it } from 'vitest';
import { isReleaseBefore, releaseOf } from './release.ts';

it.each([
  ['7.2.22', '10.1', true],
  ['10.0.13', '10.1', true],
  ['10.1.0', '10.1', false],
  ['11.0.1', '10.1', false],
  ['5.2.0', '5.10', true],
  ['6.0', '6.0', false],
  ['10.0.49', '10.1', true],
  ['10.0.50', '10.1', false],
  ['10.0.94', '10.2', true],
  ['10.2.90', '11.0', false],
])('QEMU %s is older than release %s: %s', (version, release, older) => {
  expect(isReleaseBefore(version, release)).toBe(older);
});

it.each([
  ['7.2.22', '7.2'],
  ['10.0.50', '10.1'],
  ['10.0.94', '10.1'],
  ['10.2.50', '11.0'],
  ['2.11.90', '2.12'],
  ['2.12.50', '3.0'],
  ['3.0.91', '3.1'],
  ['3.1.50', '4.0'],
  ['6.0', '6.0'],
])('QEMU %s belongs to release %s', (version, release) => {
  expect(releaseOf(version)).toBe(release);
});
