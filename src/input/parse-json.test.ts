import { describe, expect, it } from 'vitest';
import { MAX_TEXT_BYTES, parseJson } from './parse-json.ts';
import { InvalidInput } from './problem.ts';

const problemOf = (text: string): string => {
  try {
    parseJson(text);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidInput);
    const { problems, message } = error as InvalidInput;
    expect(problems).toEqual([{ path: '', message }]);
    return message;
  }
  return 'none';
};

describe('parseJson', () => {
  it('parses JSON', () => {
    expect(parseJson(' { "a": [1, "0x2", null] } ')).toEqual({ a: [1, '0x2', null] });
  });

  it('skips one byte order mark at the start', () => {
    expect(parseJson('\uFEFF{ "a": 1 }')).toEqual({ a: 1 });
  });

  it.each(['', '{', '{"a":}', '[1,]', 'NaN', "{'a':1}", '{"a":1}x', '\uFEFF', '\uFEFF\uFEFF{}', '{}\uFEFF'])(
    'refuses %j with a message of one line',
    (text) => {
      const message = problemOf(text);
      expect(message).toMatch(/^this is not JSON: ./);
      expect(message).not.toContain('\n');
    },
  );

  it.each([
    ['{"a":1,}', 'Expected double-quoted property name, at line 1, column 8'],
    ['{\n  "a": 1\n  "b": 2\n}', "Expected ',' or '}' after property value, at line 3, column 3"],
    ['\uFEFF{}\n\n{}', 'Unexpected non-whitespace character after JSON, at line 3, column 1'],
    ['{"a":"', 'Unterminated string, at line 1, column 7'],
    ['{"a":}', `Unexpected token '}', "{"a":}" is not valid JSON`],
    ['', 'Unexpected end of JSON input'],
  ])('says in the same words on every Node what is wrong with %j, and where', (text, reason) => {
    expect(problemOf(text)).toBe(`this is not JSON: ${reason}`);
  });

  it('quotes little of the input in its message', () => {
    expect(problemOf(`{"a": ${'x'.repeat(5000)}\n${'y'.repeat(5000)}`).length).toBeLessThan(200);
  });

  it('parses a text of the largest size and refuses a longer one', () => {
    expect(MAX_TEXT_BYTES).toBe(8 * 1024 * 1024);
    const largest = `${' '.repeat(MAX_TEXT_BYTES - 2)}{}`;
    expect(parseJson(largest)).toEqual({});
    expect(problemOf(`${largest} `)).toBe('the text is longer than 8388608 bytes');
    // In UTF-8 a character of Latin-1 beyond ASCII has two bytes.
    expect(problemOf(`"${'ß'.repeat(MAX_TEXT_BYTES / 2)}"`)).toBe('the text is longer than 8388608 bytes');
  });

  it('parses nesting that would exhaust the stack of a recursive parser', () => {
    const depth = 1_000_000;
    expect(() => parseJson('['.repeat(depth) + ']'.repeat(depth))).not.toThrow();
    expect(problemOf('['.repeat(depth))).toMatch(/^this is not JSON/);
  });
});
