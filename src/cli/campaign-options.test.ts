import { describe, expect, it } from 'vitest';
import { parseShard } from '../campaign/index.ts';
import { duration, numberOfJobs, shard } from './campaign-options.ts';

describe('duration', () => {
  it.each([
    ['1s', 1],
    ['90s', 90],
    ['10m', 600],
    ['1h30m', 5400],
    ['576h', 2_073_600],
  ])('reads %s as %d seconds', (text, seconds) => {
    expect(duration(text)).toBe(seconds);
  });

  it.each(['', '10', 'm', '0s', '1.5h', '-1s', '10 m', '1d', '577h', '5mx', 'x5m'])('refuses %j', (text) => {
    expect(() => duration(text)).toThrow(/expected a time such as/);
  });
});

describe('shard', () => {
  it('reads a part and the number of parts', () => {
    expect(shard('2/8')).toEqual({ number: 2, of: 8 });
  });

  it.each(['1/1', '5/1000000', '1000000/1000000'])('reads %s as a stored campaign does', (text) => {
    expect(shard(text)).toEqual(parseShard(text));
  });

  it.each(['', '0/1', '2/1', '1', '1/1000001', 'a/b'])('refuses %j, as a stored campaign does', (text) => {
    expect(() => shard(text)).toThrow(/expected a part .* of at most 1000000 parts/);
    expect(parseShard(text)).toBeUndefined();
  });
});

describe('numberOfJobs', () => {
  it.each(['0', '257', '1.5', '', 'x'])('refuses %j', (text) => {
    expect(() => numberOfJobs(text)).toThrow(/whole number from 1 to 256/);
  });
});
