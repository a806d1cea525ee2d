/**
 * The candidate that differs least from `word`, for a "did you mean"; `undefined` where all differ by more than
 * two edits, or in every character. Upper and lower case count as the same. A word of more than 40 characters has
 * no such candidate.
 */
export function nearestTo(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > 40) return undefined;
  let best: string | undefined;
  let least = 3;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least && distance < candidate.length) [least, best] = [distance, candidate];
  }
  return best;
}

/** A shorter word than this is the beginning of too many. */
const LEAST_BEGINNING = 3;

/**
 * The candidate that begins the word, or the only one that the word begins, in whole words: `power9` for
 * `power9-64k`, `laptop-39` for `laptop`.
 */
function sameBeginning(word: string, candidates: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const begins = candidates.filter((candidate) =>
    new RegExp(`^${escaped(candidate)}[^a-z0-9]`, 'i').test(word),
  );
  if (begins.length > 0) return begins.toSorted((a, b) => b.length - a.length)[0];
  if (lower.length < LEAST_BEGINNING) return undefined;
  const begun = candidates.filter((candidate) =>
    new RegExp(`^${escaped(lower)}[^a-z0-9]`, 'i').test(candidate),
  );
  return begun.length === 1 ? begun[0] : undefined;
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/**
 * What a message says of a name that does not exist: `did you mean type1?`, or `otherwise` if no name is near.
 *
 * @param known the names that exist.
 */
export function spellingHint(word: string, known: readonly string[], otherwise: string): string {
  const nearest = nearestTo(word, known) ?? sameBeginning(word.slice(0, 200), known);
  return nearest === undefined ? otherwise : `did you mean ${nearest}?`;
}

/** How many characters have to be added, removed or replaced to turn `a` into `b` (Levenshtein). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(previous[j]! + 1, current[j - 1]! + 1, substitution));
    }
    previous = current;
  }
  return previous[b.length]!;
}
