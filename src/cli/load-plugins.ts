import * as library from '../index.ts';
import { InvalidInput, prefixProblems } from '../input/index.ts';
import { addOwnInvariant } from '../invariants/index.ts';
import { isOwnInvariant } from '../library/index.ts';
import { loadProgram } from '../validate/index.ts';

/**
 * Loads the invariants of users, so that they are judged beside those of barproof.
 *
 * @throws InvalidInput when a file is no plugin.
 */
export function loadPlugins(files: readonly string[]): void {
  for (const file of files) {
    prefixProblems(file, () => {
      const { exported } = loadProgram(file, { barproof: library });
      const invariants = Array.isArray(exported) ? (exported as unknown[]) : [exported];
      if (invariants.length === 0 || !invariants.every(isOwnInvariant)) {
        const message =
          'exports no invariant; expected: export default defineInvariant({ ... }), or a list of them';
        throw new InvalidInput([{ path: '', message }]);
      }
      for (const invariant of invariants) addOwnInvariant(invariant);
    });
  }
}
