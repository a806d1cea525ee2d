import { holdsFor, placeOf, type Fingerprint, type Violation } from '../invariants/index.ts';
import type { Trace } from '../trace/index.ts';
import type { StoredRegression } from './regression-store.ts';

/**
 * The file of the known finding that explains a violation: one of the same invariant and cause, at the same place and
 * under the same conditions. `undefined` for a violation that no known finding explains.
 *
 * @param known the findings that the revision is known for.
 * @param trace the run that shows the violation.
 */
export function forgivenBy(
  known: readonly StoredRegression[],
  violation: Violation,
  trace: Trace,
): string | undefined {
  const { invariant, cause } = violation;
  return known.find(({ regression }) => {
    if (regression.invariant !== invariant || regression.cause !== cause) return false;
    const { forgives } = regression;
    if (forgives === undefined) return true;
    return forgives.some(
      ({ places, conditions }) =>
        places.includes(placeOf(violation, trace)) &&
        conditions.every((name) => holdsFor(name, violation, trace)),
    );
  })?.file;
}

/** What the known findings say of a finding: the explanation of the one that it is, or the file of one of its cause. */
export function saidOfKnown(
  known: readonly StoredRegression[],
  { invariant, cause, known: file }: Fingerprint & { readonly known: string | undefined },
): { readonly besides?: string; readonly explanation?: string } {
  if (file !== undefined) {
    const explanation = known.find((other) => other.file === file)?.regression.explanation;
    return explanation === undefined ? {} : { explanation };
  }
  const other = known.find(
    ({ regression }) => regression.invariant === invariant && regression.cause === cause,
  );
  return other === undefined ? {} : { besides: other.file };
}
