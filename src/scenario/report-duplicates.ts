import type { ScenarioDecoder } from './scenario-decoder.ts';

/**
 * Reports every value that an earlier element has too. A value that could not be read is skipped: the decoder
 * has put a stand-in for it, which may equal another value by chance.
 *
 * @param before the number of problems before the values were read.
 * @param values of the elements, in the order of the document.
 * @param pathOf gives the path of the value of the element with this index.
 */
export function reportDuplicates(
  decoder: ScenarioDecoder,
  before: number,
  values: readonly (string | number)[],
  pathOf: (index: number) => string,
): void {
  const unread = new Set(decoder.problems.slice(before).map(({ path }) => path));
  const seen = new Set<string | number>();
  for (const [index, value] of values.entries()) {
    const path = pathOf(index);
    if (unread.has(path)) continue;
    if (seen.has(value)) decoder.report(path, `${JSON.stringify(value)} is used twice`);
    seen.add(value);
  }
}
