import * as fc from 'fast-check';

/** Numbers at which programs that read text go wrong. */
const NUMBERS = [
  '-1',
  '0',
  '0x0',
  '0xffffffff',
  '4294967296',
  '0xffffffffffffffff',
  '0x1' + '0'.repeat(16),
  '1e308',
];

/** One damage to a text. `at` is a place in it, as a share from 0 to 1. */
type Damage = (text: string, at: number, size: number, other: string) => string;

const place = (text: string, at: number): number => Math.floor(at * text.length);

const onLines =
  (change: (lines: string[], index: number) => void): Damage =>
  (text, at) => {
    const lines = text.split('\n');
    change(lines, Math.floor(at * lines.length));
    return lines.join('\n');
  };

const DAMAGES: readonly Damage[] = [
  (text, at) => text.slice(0, place(text, at)),
  (text, at, size) => text.slice(0, place(text, at)) + text.slice(place(text, at) + size),
  (text, at, _, other) => text.slice(0, place(text, at)) + other + text.slice(place(text, at)),
  (text, at, size, other) => text.slice(0, place(text, at)) + other + text.slice(place(text, at) + size),
  (text, at, size) => {
    const number = NUMBERS[size % NUMBERS.length]!;
    const start = place(text, at);
    return text.slice(0, start) + text.slice(start).replace(/(?:0x)?[0-9a-f]+/i, number);
  },
  onLines((lines, index) => lines.splice(index, 1)),
  onLines((lines, index) => lines.splice(index, 0, lines[index]!)),
  onLines((lines, index) => lines.splice(0, 2, lines[index]!, lines[0]!)),
];

/** Texts of a kind, most of them with one to four damages, each somewhere. */
export const damaged = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> => {
  const damage = fc.tuple(
    fc.constantFrom(...DAMAGES),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    fc.integer({ min: 1, max: 40 }),
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom('{', '"', '\\', '\u001b[2J', '\0', '￿'),
    ),
  );
  return fc
    .tuple(texts, fc.array(damage, { maxLength: 4 }))
    .map(([text, damages]) =>
      damages.reduce((whole, [change, at, size, other]) => change(whole, at, size, other), text),
    );
};
