import type { Regression } from '../../src/campaign/index.ts';
import { violationsOf } from '../../src/invariants/index.ts';
import { ALL_REVISIONS, findAnyRevision, runOnModel, unsuitable } from '../../src/model/index.ts';

/**
 * The ids of the revisions on which a stored case breaks its invariant for its cause. Only revisions of the
 * same VMM that can run the case are asked.
 */
export const failsOn = ({ invariant, cause, scenario }: Regression): string[] =>
  ALL_REVISIONS.filter(({ vmm }) => vmm === findAnyRevision(scenario.revision)!.vmm)
    .filter((revision) => unsuitable(scenario, revision).length === 0)
    .filter((revision) =>
      violationsOf(runOnModel(scenario, revision)).some(
        (other) => other.invariant === invariant && other.cause === cause,
      ),
    )
    .map(({ id }) => id);
