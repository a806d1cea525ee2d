import type { Finding } from '../campaign/index.ts';
import { findInvariant, siteOf, type Invariant } from '../invariants/index.ts';
import { describeScenario, drawMemoryMap, howOften, mapOfTrace, observed } from '../report/index.ts';
import { encodeScenario, needsOf, realismText } from '../scenario/index.ts';
import { stepsOf } from './actions.ts';
import type { ReportedFinding, Rule } from './report-event.ts';

/** What only the caller knows of a finding. */
export interface FindingPlace {
  readonly number: number;
  /** The file that holds the case, as the user can open it. */
  readonly file: string | undefined;
  /** The command line that shows the finding again. */
  readonly again: string | undefined;
}

/** An invariant as a rule of a report. */
export const ruleOf = ({ id, clause, severity, site }: Invariant): Rule => ({ id, clause, severity, site });

/** A finding of a check or a replay as plain data. */
export function reportedFinding(finding: Finding, { number, file, again }: FindingPlace): ReportedFinding {
  const { invariant, cause, severity, violation, trace, scenario, besides, explanation } = finding;
  const often = howOften(finding);
  const known =
    explanation ??
    (besides === undefined ? undefined : `${besides} is of the same cause, but at another place`);
  let pictures: ReportedFinding['pictures'] | undefined;
  return {
    number,
    rule: invariant,
    cause,
    severity,
    message: violation.message,
    expected: findInvariant(invariant).clause,
    observed: observed(finding),
    site: siteOf(violation, trace).place,
    revision: trace.revision,
    realism: realismText(needsOf(scenario)),
    ...(often !== '' && { howOften: often }),
    ...(known !== undefined && { known }),
    ...(file !== undefined && { file }),
    ...(again !== undefined && { again }),
    scenario: encodeScenario(scenario),
    description: describeScenario(scenario, violation.step),
    steps: stepsOf(trace, violation.step),
    // Drawing takes longer than telling, and without a report no reader asks for the picture.
    get pictures() {
      return (pictures ??= [
        {
          caption: trace.revision,
          map: mapOfTrace(trace, violation),
          table: drawMemoryMap(trace, violation),
        },
      ]);
    },
  };
}
