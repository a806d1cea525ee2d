import { runOnModel, unsuitable } from '../model/index.ts';
import type { Scenario } from '../scenario/index.ts';
import { NEWEST, type Revision } from '../vfio/index.ts';

/**
 * Whether a QEMU of the revision comes to the end of a scenario, as the model sees it. The newest revision answers for one that
 * lacks a part of the scenario: a build may have what its release has not, such as vfio-user.
 *
 * @returns false also where no model can run the scenario.
 */
export function endsOnModel(scenario: Scenario, revision: Revision): boolean {
  const able = [revision, NEWEST].find((one) => unsuitable(scenario, one).length === 0);
  return able !== undefined && runOnModel(scenario, able).outcome === 'ok';
}
