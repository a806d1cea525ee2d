import { alignDown, alignUp, offset, type Range } from '../src/address/index.ts';
import { msixPbaRange, msixTableRange } from '../src/pci-layout/index.ts';
import type { BarSpec, CpuAccessWidth, DeviceSpec, Operation } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';
import { mirrorPlace } from './graphics-cards.ts';

/** How many of a hundred scenarios end with accesses of the guest's CPU. */
export const ACCESS_SHARE = 30;
const MOST_ACCESSES = 3;

/**
 * Accesses to memory BARs of the devices, for the end of a scenario: whether a scenario has them changes no other part
 * of it.
 *
 * @param devices those that are plugged in then.
 * @param aligned whether all accesses are at multiples of their width, as drivers make them.
 */
export function chooseAccesses(
  choose: Choose,
  devices: readonly DeviceSpec[],
  page: bigint,
  aligned = false,
): readonly Operation[] {
  // Graphics cards are few, and their mirrors show in accesses alone.
  if (!choose.chance(devices.some(({ vga }) => vga === true) ? 80 : ACCESS_SHARE)) return [];
  const targets = devices.flatMap((device) =>
    device.bars.filter(({ type }) => type !== 'io').map((bar) => ({ device, bar })),
  );
  if (targets.length === 0) return [];
  const emulated = targets.filter(
    ({ device, bar }) =>
      [device.msix?.tableBar, device.msix?.pbaBar].includes(bar.index) ||
      mirrorPlace(device, bar) !== undefined,
  );
  return choose.list(choose.integer(1, MOST_ACCESSES), () => {
    const { device, bar } = choose.among(emulated.length > 0 && choose.chance(80) ? emulated : targets);
    return chooseAccess(choose, device, bar, { page, aligned: aligned || choose.chance(70) });
  });
}

function chooseAccess(
  choose: Choose,
  device: DeviceSpec,
  bar: BarSpec,
  { page, aligned }: { readonly page: bigint; readonly aligned: boolean },
): Operation {
  const width = aligned
    ? choose.weighted<CpuAccessWidth>([5, 4], [4, 8], [1, 2], [1, 1])
    : choose.weighted<CpuAccessWidth>([6, 8], [2, 4], [1, 2]);
  const bytes = BigInt(width);
  const structure = chooseStructure(choose, device, bar) ?? mirrorOf(device, bar);
  // Off its alignment, an access mostly crosses the place where something else begins to answer.
  const at = aligned
    ? alignDown(choosePlace(choose, structure, bar, page), bytes)
    : below(choose.among(edgesOf(structure, bar)), choose.bigint(1n, 7n));
  const last = bar.size > bytes ? bar.size - bytes : 0n;
  return {
    op: 'access-bar',
    device: device.id,
    bar: bar.index,
    offset: offset(at > last ? last : at),
    width,
    write: choose.chance(50),
  };
}

const below = (place: bigint, by: bigint): bigint => (place > by ? place - by : place);

/** The table or the PBA, if the BAR has one. */
function chooseStructure(choose: Choose, { msix }: DeviceSpec, { index }: BarSpec): Range | undefined {
  const table = msix?.tableBar === index ? msixTableRange(msix) : undefined;
  const pba = msix?.pbaBar === index ? msixPbaRange(msix) : undefined;
  // A VMM may take the PBA of another BAR to lie in this one.
  if (table !== undefined && msix!.pbaBar !== index && choose.chance(30)) return msixPbaRange(msix!);
  return table !== undefined && (pba === undefined || choose.chance(60)) ? table : pba;
}

/** The configuration space that a BAR of a graphics card mirrors. */
function mirrorOf(device: DeviceSpec, bar: BarSpec): Range | undefined {
  const start = mirrorPlace(device, bar);
  return start === undefined ? undefined : { start, end: start + 0x100n };
}

/** Where something else may begin to answer. */
const edgesOf = (structure: Range | undefined, { sparse = [], size }: BarSpec): readonly bigint[] =>
  structure === undefined
    ? [size, ...sparse.flatMap((area) => [area.offset, area.offset + area.size])]
    : [structure.start, structure.end];

/** A place in the table or PBA, or around it, or any place of the BAR. */
function choosePlace(choose: Choose, structure: Range | undefined, { size }: BarSpec, page: bigint): bigint {
  if (structure === undefined || choose.chance(15)) return choose.bigint(0n, (size - 1n) >> 2n) << 2n;
  const { start, end } = structure;
  return choose.weighted<() => bigint>(
    [6, () => start + 4n * choose.bigint(0n, (end - start) / 4n - 1n)],
    [3, () => end - 8n],
    [4, () => end + 4n * choose.bigint(0n, 3n)],
    [2, () => alignUp(end + 1n, page) - 8n],
    [2, () => (start >= 8n ? start - 8n : start)],
  )();
}
