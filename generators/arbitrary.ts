import * as fc from 'fast-check';
import { Choose } from './choose.ts';

/**
 * An arbitrary made of two plain functions: one builds a value from choices, the other names simpler values.
 * Later choices may depend on earlier ones without `chain`. So values are valid by construction, and shrinking
 * needs the value alone, not the choices that built it.
 *
 * @param build makes a value; all its randomness comes from its argument.
 * @param simplify the values to try in place of a value that fails, best first. Each of them must be simpler
 *   by some measure, or shrinking would not end.
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
