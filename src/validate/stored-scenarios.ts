import type { StoredRegression } from '../campaign/index.ts';
import type { Scenario } from '../scenario/index.ts';
import type { Revision } from '../vfio/index.ts';

/** The scenarios of stored cases that a revision can run: those with an IOMMU that the revision has. */
export const storedScenarios = (
  stored: readonly StoredRegression[],
  { id, iommus }: Pick<Revision, 'id' | 'iommus'>,
): readonly Scenario[] =>
  stored
    .map(({ regression: { scenario } }) => ({ ...scenario, revision: id }))
    .filter(({ host }) => iommus.includes(host.iommu.type));
