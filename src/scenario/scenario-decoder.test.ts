import { describe, expect, it } from 'vitest';
import { ScenarioDecoder } from './scenario-decoder.ts';

describe('ScenarioDecoder', () => {
  it('reads a hex string of up to 64 bits within its bounds', () => {
    const decoder = new ScenarioDecoder();
    expect(decoder.number('0x20', 'x', 16n, 32n)).toBe(32n);
    expect(decoder.number('0xffffffffffffffff', 'x', 0n, (1n << 64n) - 1n)).toBe((1n << 64n) - 1n);
    expect(decoder.problems).toEqual([]);
  });

  it.each(['1', '0x21', 0xf, undefined])('reports %j and returns the least number', (value) => {
    const decoder = new ScenarioDecoder();
    expect(decoder.number(value, 'x', 16n, 32n)).toBe(16n);
    expect(decoder.problems).toHaveLength(1);
    expect(decoder.problems[0]).toMatchObject({
      path: 'x',
      message: expect.stringMatching(/^expected a hex string or safe integer from 0x10 to 0x20, /),
    });
  });
});
