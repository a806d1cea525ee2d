import { describe, expect, it } from 'vitest';
import { Decoder } from './decoder.ts';
import { InvalidInput } from './problem.ts';

/** The value that `read` returns, and the problems that it notes. */
function reading<T>(read: (decoder: Decoder) => T) {
  const decoder = new Decoder();
  return {
    value: read(decoder),
    problems: decoder.problems.map(({ path, message }) => `${path}: ${message}`),
  };
}

describe('Decoder', () => {
  it('returns a stand-in after a problem', () => {
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

  it('returns a valid value and notes no problem', () => {
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

  it('accepts as text what is too short or too long for a string', () => {
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
  ])('reports the allowed range for the integer %s', (value, message) => {
    expect(reading((decoder) => decoder.integer(value, 'x', 3, 9)).problems).toEqual([message]);
  });

  it('reports the one allowed integer', () => {
    expect(reading((decoder) => decoder.integer(2, 'x', 1, 1)).problems).toEqual(['x: expected 1, found 2']);
  });

  it('names a key of the whole input without a leading dot', () => {
    expect(reading((decoder) => decoder.object({ b: 1 }, '', ['a'])).problems).toEqual([
      'b: unknown key; allowed are a',
    ]);
    expect(reading((decoder) => decoder.object({ b: 1 }, 'p', ['a'])).problems).toEqual([
      'p.b: unknown key; allowed are a',
    ]);
  });

  it('suggests the nearest allowed word, at most two edits away', () => {
    const guess = (word: string, allowed: readonly string[]): string | undefined =>
      /did you mean (.*)\?/.exec(reading((decoder) => decoder.oneOf(word, 'x', allowed)).problems[0]!)?.[1];
    expect(guess('virtt', ['pc', 'virt'])).toBe('virt');
    expect(guess('vrit', ['pc', 'virt'])).toBe('virt');
    expect(guess('VIRT', ['pc', 'virt'])).toBe('virt');
    expect(guess('vixxx', ['pc', 'virt'])).toBeUndefined();
    expect(guess('size', ['sizes', 'side'])).toBe('sizes');
    // Two edits turn any word of two letters into any other, so the two need not resemble each other.
    expect(guess('on', ['pc'])).toBeUndefined();
    expect(guess('v'.repeat(41), ['v'.repeat(40)])).toBeUndefined();
    expect(guess('v'.repeat(40), ['v'.repeat(41)])).toBe('v'.repeat(41));
  });
});

describe('the limits of Decoder', () => {
  it('an array has at most 10,000 elements', () => {
    const read = (length: number) =>
      reading((decoder) => decoder.array(Array.from({ length }), 'list', () => 1));
    expect(read(10_000)).toEqual({ value: Array.from({ length: 10_000 }, () => 1), problems: [] });
    expect(read(10_001)).toEqual({
      value: [],
      problems: ['list: expected at most 10000 elements, found 10001'],
    });
  });

  it('20 unknown keys are reported one by one, and the others by their number', () => {
    const read = (count: number) =>
      reading((decoder) =>
        decoder.object(
          Object.fromEntries(Array.from({ length: count }, (_, key) => [`k${key}`, 0])),
          'x',
          [],
        ),
      ).problems;
    expect(read(20)).toHaveLength(20);
    expect(read(20).at(-1)).toMatch(/^x\.k19: unknown key/);
    expect(read(23)).toHaveLength(21);
    expect(read(23).at(-1)).toBe('x: 3 more unknown keys');
  });

  it('reading ends at the problem after 10,000', () => {
    const decoder = new Decoder();
    for (let count = 0; count < 10_000; count++) decoder.report('x', 'a problem');
    let thrown: unknown;
    try {
      decoder.report('x', 'a problem');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(InvalidInput);
    const { problems } = thrown as InvalidInput;
    expect(problems).toHaveLength(10_001);
    expect(problems.at(-1)!.message).toBe('more than 10000 problems: the rest of the input is not read');
  });
});
