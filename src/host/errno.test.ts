import { expect, it } from 'vitest';
import { Errno, errnoName } from './index.ts';

it('errnoName returns the name, or the digits of a number without one', () => {
  expect(errnoName(Errno.EINVAL)).toBe('EINVAL');
  expect(errnoName(28)).toBe('ENOSPC');
  expect(errnoName(0)).toBe('0');
});
