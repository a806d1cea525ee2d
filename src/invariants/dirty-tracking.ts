import { alignDown, alignUp, contains, overlaps, partsOutside, type Range } from '../address/index.ts';
import { endOfMapping, type State, type Trace } from '../trace/index.ts';
import type { DirtyTrackingEvent } from '../vfio/index.ts';
import { span } from './describe.ts';
import type { Examination } from './invariant.ts';

const END_OF_32_BITS = 1n << 32n;

/**
 * Reports what devices may write without a log when a migration begins, so that the migrated guest would lack it, and ranges
 * for the log that take in the gap between RAM above 4 GiB and BARs: devices can log few addresses (vfio fact 6.15).
 */
export function checkDirtyTracking({ steps, pages }: Trace, examination: Examination): void {
  for (const [index, { events, state }] of steps.entries()) {
    for (const event of events) {
      if (event.type !== 'dirty-tracking') continue;
      examination.exercised++;
      checkMappings(event, state, examination, index);
      // Behind an emulated IOMMU the guest may map any address.
      if (!state.dmaView.some(({ region }) => region.kind === 'iommu'))
        checkGaps(event, highRamOf(state, pages.host), examination, index);
    }
  }
}

/** Reports the first mapping of RAM that devices may write and that lies in no range of the log, or in part only. */
function checkMappings(
  { container, ranges }: DirtyTrackingEvent,
  { containers }: State,
  examination: Examination,
  step: number,
): void {
  const { mappings } = containers.find(({ name }) => name === container) ?? { mappings: [] };
  for (const mapping of mappings) {
    if (mapping.readonly || mapping.backing.owner !== undefined) continue;
    const [missing] = partsOutside({ start: mapping.iova, end: endOfMapping(mapping) }, ranges);
    if (missing === undefined) continue;
    examination.violate(
      'not-tracked',
      () =>
        `a migration begins, and the devices of ${container} do not log what they write to ${span(missing)}`,
      missing,
      step,
    );
    return;
  }
}

/** The whole pages of memory above 4 GiB that is not a device's own, range by range. */
const highRamOf = ({ dmaView }: State, page: bigint): readonly Range[] =>
  dmaView.flatMap(({ start, end, region }) => {
    const pages = { start: alignUp(start, page), end: alignDown(end, page) };
    const isRam = region.kind === 'ram' && region.owner === undefined && end > END_OF_32_BITS;
    return isRam && pages.start < pages.end ? [pages] : [];
  });

/**
 * Reports a range that reaches beyond all RAM above 4 GiB, unless the RAM in the range has a range of its own as well.
 *
 * @param ram by rising start.
 */
function checkGaps(
  { container, ranges }: DirtyTrackingEvent,
  ram: readonly Range[],
  examination: Examination,
  step: number,
): void {
  if (ram.length === 0) return;
  const hull = { start: ram[0]!.start, end: ram.at(-1)!.end };
  for (const range of ranges) {
    const isInNoOtherRange = (one: Range): boolean =>
      overlaps(one, range) && !ranges.some((other) => other !== range && contains(other, one));
    if (!ram.some(isInNoOtherRange) || contains(hull, range)) continue;
    examination.violate(
      'tracked-gap',
      () =>
        `a migration begins, and the devices of ${container} are to log ${span(range)}, although RAM above 4 GiB lies at ` +
        `${span(hull)} alone`,
      range,
      step,
    );
    return;
  }
}
