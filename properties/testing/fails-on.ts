import type { Regression } from '../../src/campaign/index.ts';
import { violationsOf } from '../../src/invariants/index.ts';
import { ALL_REVISIONS, findAnyRevision, runOnModel } from '../../src/model/index.ts';

/**
 * The ids of the revisions on which a stored case breaks its invariant for its cause. Only revisions of the
 * same VMM that have the IOMMU of the case are run.
 */
export const failsOn = ({ invariant, cause, scenario }: Regression): string[] =>
  ALL_REVISIONS.filter(({ vmm }) => vmm === findAnyRevision(scenario.revision)!.vmm)
    .filter(({ iommus }) => (iommus as readonly string[]).includes(scenario.host.iommu.type))
    .filter((revision) =>
      violationsOf(runOnModel(scenario, revision)).some(
        (other) => other.invariant === invariant && other.cause === cause,
      ),
    )
    .map(({ id }) => id);
