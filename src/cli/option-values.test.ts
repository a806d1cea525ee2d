import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { numberOfRuns, seedText } from './option-values.ts';

describe('seedText', () => {
  it('takes any text of at most 200 characters', () => {
    expect(seedText('s'.repeat(200))).toBe('s'.repeat(200));
    expect(() => seedText('s'.repeat(201))).toThrow('expected at most 200 characters.');
  });
});

describe('numberOfRuns', () => {
  it.each(['1', '20', '1000000000'])('takes %s', (text) => {
    expect(numberOfRuns(text)).toBe(Number(text));
  });

  it.each(['0', '-1', '1.5', '1e3', '0x10', '', ' 1', '1000000001'])('refuses %j', (text) => {
    expect(() => numberOfRuns(text)).toThrow(InvalidArgumentError);
  });
});
