import { contains, overlaps, type Range, type Size } from '../address/index.ts';
import type { BarSpec } from '../scenario/index.ts';
import type { DeviceState, Trace, TraceRange } from '../trace/index.ts';
import { isEmulatedPba } from './bar-bytes.ts';
import { showsPorts, startOfBar } from './bar-in-system-memory.ts';
import { configMirror } from './config-mirror.ts';
import { mmappableAreas } from './mmappable-areas.ts';

/** Bytes of a BAR. */
interface BarBytes extends Range {
  readonly bar: BarSpec;
}

/**
 * The bytes of a BAR over which the VMM emulates something although the host lets them be mmapped. MSI-X and the mirror of
 * a graphics card are reasons to emulate; `undefined` where one of these is the reason, or no such BAR lies there.
 *
 * @param range of the flat view: a region of the device that shows no BAR's own bytes.
 * @param isMmapped whether the host has granted the mmaps of a BAR.
 */
export function emulatedWithoutReason(
  range: TraceRange,
  device: DeviceState,
  { scenario, pages }: Trace,
  isMmapped: (bar: number) => boolean,
): BarBytes | undefined {
  const spec = scenario.devices.find(({ id }) => id === device.id);
  if (spec === undefined || showsPorts(range, device, scenario)) return undefined;
  const under = bytesUnder(range, device, spec.bars, (bar) => startOfBar(bar, scenario));
  const isMirror = under.some(({ bar, ...bytes }) => {
    const mirror = configMirror(scenario, spec, bar.index);
    return mirror !== undefined && contains(mirror, bytes);
  });
  if (isMirror) return undefined;
  return under.find(
    (bytes) =>
      isMmapped(bytes.bar.index) &&
      mmappableAreas(spec, bytes.bar, device.msix, pages.host as Size).some((area) => overlaps(area, bytes)),
  );
}

/** The bytes of the device's BARs where the range lies: several where BARs overlap. */
function bytesUnder(
  { region, start, end }: TraceRange,
  { bars, msix }: DeviceState,
  specs: readonly BarSpec[],
  startOf: (bar: DeviceState['bars'][number]) => bigint | undefined,
): readonly BarBytes[] {
  const table = region.name === 'msix-table' ? (msix?.emulatedAt?.bar ?? msix?.layout.tableBar) : undefined;
  const pba = isEmulatedPba(region.name) ? (msix?.pbaAt?.bar ?? msix?.layout.pbaBar) : undefined;
  // MSI-X belongs to one BAR, also where another BAR lies below.
  const only = table ?? pba;
  return bars.flatMap((state) => {
    const bar = specs.find(({ index }) => index === state.index);
    const first = startOf(state);
    if (bar === undefined || first === undefined || (only !== undefined && only !== bar.index)) return [];
    if (start >= first + bar.size || end <= first) return [];
    return [{ bar, start: start > first ? start - first : 0n, end: end - first }];
  });
}
