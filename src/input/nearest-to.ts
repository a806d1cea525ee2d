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

/**
 * What a message says of a name that does not exist: `did you mean type1?`, or `otherwise` if no name is near.
 *
 * @param known the names that exist.
 */
export function spellingHint(word: string, known: readonly string[], otherwise: string): string {
  const nearest = nearestTo(word, known);
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
