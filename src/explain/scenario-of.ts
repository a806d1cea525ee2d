import { hex } from '../address/index.ts';
import { findNamedHost, type NamedHost, type Scenario } from '../scenario/index.ts';
import { deviceSpec, withMsix } from './device/device-spec.ts';
import { likelyMsix } from './device/likely-msix.ts';
import { isTriable } from './device/missing-facts.ts';
import { NEWEST_QEMU } from './device/releases.ts';
import { scenarioOfTrial } from './device/try-device.ts';
import type { DeviceAnswer } from './device/explain-device.ts';
import type { Answer, Explanation } from './explain.ts';

/** The host of a scenario where the user names none. */
const DEFAULT_HOST = findNamedHost('server-46')!;

/**
 * The scenario that barproof made of a text: the case itself, or a machine with the first device that can be passed
 * through, its BARs placed as firmware places them. `assumedInScenario` says what the text does not show of it.
 *
 * @returns `undefined` where the text shows no device with the sizes of its BARs.
 */
export function scenarioOf({ answers }: Explanation, host: NamedHost = DEFAULT_HOST): Scenario | undefined {
  for (const answer of answers) {
    if (answer.kind === 'case') return answer.scenario;
    if (!isTried(answer)) continue;
    const { device } = answer;
    return scenarioOfTrial(withMsix(deviceSpec(device, host.hostPageSize), likelyMsix(device).layouts[0]), {
      host,
      kernel: host.kernel,
      iommu: host.iommu.types[0]!,
      revision: NEWEST_QEMU,
      relocation: 'off',
    });
  }
  return undefined;
}

const isTried = (answer: Answer): answer is DeviceAnswer =>
  answer.kind === 'device' && !answer.device.isBridge && !answer.device.isSilent && isTriable(answer.device);

/** In one sentence: what the scenario of `scenarioOf` has that the text does not show, or lacks. */
export function assumedInScenario({ answers }: Explanation): string | undefined {
  if (answers.some(({ kind }) => kind === 'case')) return undefined;
  const device = answers.find(isTried)?.device;
  if (device === undefined) return undefined;
  const { isPlaceKnown, layouts } = likelyMsix(device);
  const [layout] = layouts;
  const { msix } = device;
  if (layout === undefined)
    return isPlaceKnown
      ? undefined
      : 'the scenario is without MSI-X: the text does not show whether, and where, the device has a table';
  if (msix?.table !== undefined && msix.pba !== undefined) return undefined;
  const places = [
    ...(msix?.table === undefined ? [`the table at BAR ${layout.tableBar}+${hex(layout.tableOffset)}`] : []),
    ...(msix?.pba === undefined ? [`the PBA at BAR ${layout.pbaBar}+${hex(layout.pbaOffset)}`] : []),
  ];
  return `the scenario has ${places.join(' and ')}, which is assumed: the text does not show ${places.length === 1 ? 'the place' : 'the places'}`;
}
