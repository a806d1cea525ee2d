import { expect, it } from 'vitest';
import { shortened } from './shortened.ts';

it.each([
  ['NVMe', 4, 'NVMe'],
  ['Non-Volatile', 5, 'Non-…'],
  ['Example Corporation', 9, 'Example…'],
  ['disk \u{1F4BE}\u{1F4BE}', 7, 'disk…'],
  ['', 0, ''],
])('%s fits in %i characters as %s', (text, width, expected) => {
  expect(shortened(text, width)).toBe(expected);
});
