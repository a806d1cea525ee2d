import type { LoadedCase, Regression } from '../../campaign/index.ts';
import { InvalidInput } from '../../input/index.ts';
import {
  findInvariant,
  fingerprintText,
  isError,
  sameFingerprint,
  violationsOf,
  type Violation,
} from '../../invariants/index.ts';
import { requireRevision, runOnModel, type AnyRevision } from '../../model/index.ts';
import type { Scenario } from '../../scenario/index.ts';
import type { Trace } from '../../trace/index.ts';
import { varyFields, type VariedField, type Variation } from './variations.ts';

/** Another value, and how the case ends with it. */
export interface TriedValue {
  readonly value: string;
  /** `same`: the same invariant breaks for the same cause. `other`: another one does. `holds`: none does. */
  readonly result: 'same' | 'other' | 'holds';
  /** The invariant and cause where the result is `other`. */
  readonly breaks: string | undefined;
}

/** A field of the case, and which values of it also fail. */
export interface FieldAnswer {
  readonly path: string;
  readonly value: string;
  readonly tried: readonly TriedValue[];
}

/** What barproof says of a scenario or a stored case. */
export interface CaseAnswer {
  readonly kind: 'case';
  readonly scenario: Scenario;
  readonly regression: Regression | undefined;
  readonly revision: AnyRevision;
  readonly trace: Trace;
  readonly violations: readonly Violation[];
  /** The violation whose fields are varied: the first that is no warning. */
  readonly main: Violation | undefined;
  /** The rule of the main violation, and the place in QEMU that has to obey it. */
  readonly rule: { readonly clause: string; readonly site: string; readonly source: string } | undefined;
  readonly fields: readonly FieldAnswer[];
}

/**
 * Explains a case: runs it, and varies its fields one at a time.
 *
 * @throws InvalidInput when the revision of the scenario does not exist or cannot run it.
 */
export function explainCase({ scenario, regression }: LoadedCase): CaseAnswer {
  const revision = requireRevision(scenario.revision);
  const trace = runOnModel(scenario, revision);
  const violations = violationsOf(trace);
  const main = violations.find(isError) ?? violations[0];
  return {
    kind: 'case',
    scenario,
    regression,
    revision,
    trace,
    violations,
    main,
    rule:
      main === undefined
        ? undefined
        : {
            clause: findInvariant(main.invariant).clause,
            site: findInvariant(main.invariant).site,
            source: revision.source,
          },
    fields: main === undefined ? [] : varyFields(scenario).map((field) => tryField(field, main)),
  };
}

const tryField = ({ path, value, variations }: VariedField, main: Violation): FieldAnswer => ({
  path,
  value,
  tried: variations.flatMap((variation) => tryVariation(variation, main)),
});

function tryVariation({ value, scenario }: Variation, main: Violation): readonly TriedValue[] {
  let violations: readonly Violation[];
  try {
    violations = violationsOf(runOnModel(scenario, requireRevision(scenario.revision)));
  } catch (error) {
    // The revision has no such machine or IOMMU.
    if (error instanceof InvalidInput) return [];
    throw error;
  }
  if (violations.some((violation) => sameFingerprint(violation, main)))
    return [{ value, result: 'same', breaks: undefined }];
  const other = violations.find(isError);
  return other === undefined
    ? [{ value, result: 'holds', breaks: undefined }]
    : [{ value, result: 'other', breaks: fingerprintText(other) }];
}
