import { findNamedHost, type NamedHost, type Scenario } from '../scenario/index.ts';
import { deviceSpec } from './device/device-spec.ts';
import { missingOfBars } from './device/missing-facts.ts';
import { NEWEST_QEMU } from './device/releases.ts';
import { scenarioOfTrial } from './device/try-device.ts';
import type { Explanation } from './explain.ts';

/** The host of a scenario where the user names none. */
const DEFAULT_HOST = findNamedHost('server-46')!;

/**
 * The scenario that barproof made of a text: the case itself, or a machine with the first device that can be passed
 * through, its BARs placed as firmware places them.
 *
 * @returns `undefined` where the text shows no device with the sizes of its BARs.
 */
export function scenarioOf({ answers }: Explanation, host: NamedHost = DEFAULT_HOST): Scenario | undefined {
  for (const answer of answers) {
    if (answer.kind === 'case') return answer.scenario;
    if (answer.kind !== 'device') continue;
    const { device } = answer;
    if (device.isBridge || device.isSilent || device.bars.length === 0 || missingOfBars(device).length > 0)
      continue;
    return scenarioOfTrial(deviceSpec(device, host.hostPageSize), {
      host,
      kernel: host.kernel,
      iommu: host.iommu.types[0]!,
      revision: NEWEST_QEMU,
      relocation: 'off',
    });
  }
  return undefined;
}
