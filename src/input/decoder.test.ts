import { describe, expect, it } from 'vitest';
import { Decoder } from './decoder.ts';

/** What `read` returns and the problems it notes. */
function reading<T>(read: (decoder: Decoder) => T) {
  const decoder = new Decoder();
  return {
    value: read(decoder),
    problems: decoder.problems.map(({ path, message }) => `${path}: ${message}`),
  };
}

describe('Decoder', () => {
  it('goes on with a stand-in after a problem', () => {
    expect(reading((decoder) => decoder.object(3, 'x', ['a']))).toEqual({
      value: {},
      problems: ['x: expected an object, found 3'],
    });
    expect(reading((decoder) => decoder.array('', 'x', () => 1)).value).toEqual([]);
    expect(reading((decoder) => decoder.string({}, 'x')).value).toBe('');
    expect(reading((decoder) => decoder.text(1, 'x')).value).toBe('');
    expect(reading((decoder) => decoder.boolean(1, 'x')).value).toBe(false);
    expect(reading((decoder) => decoder.oneOf(1, 'x', ['b', 'a'])).value).toBe('b');
    expect(reading((decoder) => decoder.integer('1', 'x', 3, 9)).value).toBe(3);
  });

  it('returns what is as it should be, without a problem', () => {
    const array = [1, 2];
    expect(reading((decoder) => decoder.object({ a: 1 }, '', ['a', 'b']))).toEqual({
      value: { a: 1 },
      problems: [],
    });
    expect(reading((decoder) => decoder.array(array, 'x', (one, at) => `${String(one)} ${at}`))).toEqual({
      value: ['1 x[0]', '2 x[1]'],
      problems: [],
    });
    expect(reading((decoder) => decoder.string('s', 'x'))).toEqual({ value: 's', problems: [] });
    expect(reading((decoder) => decoder.boolean(true, 'x'))).toEqual({ value: true, problems: [] });
    expect(reading((decoder) => decoder.oneOf('a', 'x', ['b', 'a']))).toEqual({ value: 'a', problems: [] });
    expect(reading((decoder) => decoder.integer(9, 'x', 3, 9))).toEqual({ value: 9, problems: [] });
  });

  it('takes text that a string may not hold', () => {
    expect(reading((decoder) => decoder.text('', 'x'))).toEqual({ value: '', problems: [] });
    const long = 'y'.repeat(10_000);
    expect(reading((decoder) => decoder.text(long, 'x'))).toEqual({ value: long, problems: [] });
    expect(reading((decoder) => decoder.text(`${long}y`, 'x')).problems).toEqual([
      `x: expected text of at most 10000 characters, found "${'y'.repeat(40)}…"`,
    ]);
  });

  it.each([
    [2, 'x: expected an integer from 3 to 9, found 2'],
    [10, 'x: expected an integer from 3 to 9, found 10'],
    [3.5, 'x: expected an integer from 3 to 9, found 3.5'],
    [Number.NaN, 'x: expected an integer from 3 to 9, found NaN'],
    [2 ** 60, `x: expected an integer from 3 to 9, found ${2 ** 60}`],
    [null, 'x: expected an integer from 3 to 9, found null'],
    [undefined, 'x: expected an integer from 3 to 9, which is missing'],
  ])('says of the integer %s what is allowed', (value, message) => {
    expect(reading((decoder) => decoder.integer(value, 'x', 3, 9)).problems).toEqual([message]);
  });

  it('puts a key at the top without a dot in front', () => {
    expect(reading((decoder) => decoder.object({ b: 1 }, '', ['a'])).problems).toEqual([
      'b: unknown key; allowed are a',
    ]);
    expect(reading((decoder) => decoder.object({ b: 1 }, 'p', ['a'])).problems).toEqual([
      'p.b: unknown key; allowed are a',
    ]);
  });

  it('guesses the nearest of several words, two edits away at most', () => {
    const guess = (word: string, allowed: readonly string[]): string | undefined =>
      /did you mean (.*)\?/.exec(reading((decoder) => decoder.oneOf(word, 'x', allowed)).problems[0]!)?.[1];
    expect(guess('virtt', ['pc', 'virt'])).toBe('virt');
    expect(guess('vrit', ['pc', 'virt'])).toBe('virt');
    expect(guess('VIRT', ['pc', 'virt'])).toBe('virt');
    expect(guess('vixxx', ['pc', 'virt'])).toBeUndefined();
    expect(guess('size', ['sizes', 'side'])).toBe('sizes');
    // Two edits turn any two letters into any others: that is no resemblance.
    expect(guess('on', ['pc'])).toBeUndefined();
    expect(guess('v'.repeat(41), ['v'.repeat(40)])).toBeUndefined();
    expect(guess('v'.repeat(40), ['v'.repeat(41)])).toBe('v'.repeat(41));
  });
});
