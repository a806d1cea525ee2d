import { findingOf } from '../campaign/index.ts';
import { fingerprintText, isError, violationsOf, type Violation } from '../invariants/index.ts';
import { requireRevision, runOnModel } from '../model/index.ts';
import { failureBlock } from '../report/index.ts';
import { encodeScenario, toJsonText, type Scenario } from '../scenario/index.ts';

/** A scenario breaks invariants. The message shows each break, and the scenario as JSON that `readScenario` reads. */
export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken';
  readonly scenario: Scenario;
  /** Every break, in the order of the invariants. */
  readonly violations: readonly Violation[];

  constructor(scenario: Scenario, violations: readonly Violation[], message: string) {
    super(message);
    this.scenario = scenario;
    this.violations = violations;
  }
}

/** How `expectHolds` runs and judges. */
export interface ExpectOptions {
  /** Id of the revision to run on; that of the scenario when left out. */
  readonly revision?: string;
  /** Ids of invariants, or `INVARIANT/CAUSE`, that may be broken. */
  readonly except?: readonly string[];
}

/**
 * Runs a scenario on the model, and expects that every invariant holds, those of the user included. Warnings count for
 * nothing. Fit for a test of any framework and for a property of fast-check: `fc.property(scenarios(), expectHolds)`.
 *
 * @throws InvariantBroken when an invariant is broken.
 * @throws InvalidInput when there is no such revision.
 */
export function expectHolds(scenario: Scenario, options: ExpectOptions = {}): void {
  const { revision: id = scenario.revision, except = [] } = options;
  const revision = requireRevision(id);
  const trace = runOnModel({ ...scenario, revision: id }, revision);
  const broken = violationsOf(trace).filter(
    (violation) =>
      isError(violation) &&
      !except.includes(violation.invariant) &&
      !except.includes(fingerprintText(violation)),
  );
  if (broken.length === 0) return;
  const findings = broken.map((violation) => findingOf(trace, violation));
  const blocks = findings.map((finding, index) =>
    failureBlock(finding, { number: index + 1, previous: findings[index - 1] }),
  );
  const causes = broken.map(fingerprintText).join(', ');
  const json = toJsonText(encodeScenario({ ...scenario, revision: id }));
  const message = `${id} breaks ${causes}\n\n${blocks.join('\n')}\nThe scenario, for readScenario(text):\n${json}`;
  throw new InvariantBroken(scenario, broken, message);
}
