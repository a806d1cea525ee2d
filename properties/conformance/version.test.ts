import { describe, expect, it } from 'vitest';
import { isAtLeast } from './version.ts';

describe('isAtLeast', () => {
  it.each([
    ['10.1.0', 10, 1, true],
    ['11.0', 10, 1, true],
    ['10.0.9', 10, 1, false],
    ['9.2.1', 10, 1, false],
  ])('%s against %i.%i: %s', (version, major, minor, expected) => {
    expect(isAtLeast(version, major, minor)).toBe(expected);
  });
});
