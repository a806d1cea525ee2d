import * as fc from 'fast-check';
import { Choose } from './choose.ts';

/**
 * An arbitrary whose values are built by a plain function of choices, and whose smaller values are
 * named by another. Later choices may depend on earlier ones without `chain`, so that values are
 * valid by construction and shrinking does not have to retrace how they came about.
 *
 * @param build makes a value; all its randomness comes from its argument.
 * @param simplify the values to try instead of one that fails, best first; each of them has to be
 *   simpler by some measure, or shrinking would not end.
 */
export function arbitrary<T>(
  build: (choose: Choose) => T,
  simplify: (value: T) => Iterable<T>,
): fc.Arbitrary<T> {
  return new BuiltArbitrary(build, simplify);
}

class BuiltArbitrary<T> extends fc.Arbitrary<T> {
  readonly #build: (choose: Choose) => T;
  readonly #simplify: (value: T) => Iterable<T>;

  constructor(build: (choose: Choose) => T, simplify: (value: T) => Iterable<T>) {
    super();
    this.#build = build;
    this.#simplify = simplify;
  }

  override generate(random: fc.Random): fc.Value<T> {
    return new fc.Value(this.#build(new Choose(random)), undefined);
  }

  override canShrinkWithoutContext(_value: unknown): _value is T {
    return true;
  }

  override shrink(value: T): fc.Stream<fc.Value<T>> {
    const simplify = this.#simplify;
    function* simpler(): IterableIterator<fc.Value<T>> {
      for (const candidate of simplify(value)) yield new fc.Value(candidate, undefined);
    }
    return new fc.Stream(simpler());
  }
}
