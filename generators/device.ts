import { offset } from '../src/address/index.ts';
import {
  type BarSpec,
  type DeviceOptionsSpec,
  type DeviceSpec,
  type MsixSpec,
} from '../src/scenario/index.ts';
import { chooseBars } from './bars.ts';
import type { Choose } from './choose.ts';
import { chooseGraphicsCard } from './graphics-cards.ts';
import { chooseMsix } from './msix.ts';
import { REAL_DEVICES } from './real-devices.ts';

/** Virtual functions whose capability names a PBA beyond its BAR; QEMU corrects the offset (vfio fact 5.7). */
const WITH_WRONG_PBA: readonly Omit<DeviceSpec, 'id' | 'name' | 'options'>[] = [
  // Chelsio T5
  {
    vendor: 0x1425,
    device: 0x5801,
    bars: [{ index: 4, size: 0x2000n, type: 'mem64', mmap: true }],
    msix: { vectors: 32, tableBar: 4, tableOffset: offset(0n), pbaBar: 4, pbaOffset: offset(0x8000n) },
  },
  // Baidu Kunlun
  {
    vendor: 0x1d22,
    device: 0x3685,
    bars: [{ index: 0, size: 0x1_0000n, type: 'mem64', mmap: true }],
    msix: { vectors: 32, tableBar: 0, tableOffset: offset(0n), pbaBar: 0, pbaOffset: offset(0x46_0000n) },
  },
];

/**
 * A real device, a real device with one change, or an invented device.
 *
 * @param hostPageSize many offsets of MSI-X structures and of sparse areas are multiples of this size.
 * @param anyBarSize whether an invented device may have BARs whose sizes are no powers of two.
 * @param graphicsCards whether the device may be a VGA controller.
 */
export function chooseDevice(
  choose: Choose,
  id: string,
  hostPageSize: bigint,
  anyBarSize = false,
  graphicsCards = false,
): DeviceSpec {
  if (graphicsCards && choose.chance(4)) return chooseGraphicsCard(choose, id);
  const options = chooseOptions(choose);
  if (choose.chance(2)) return { ...choose.among(WITH_WRONG_PBA), id, name: id, options };
  if (choose.chance(30)) {
    const real = choose.among(REAL_DEVICES);
    const { vendor, device, bars, msix } = choose.chance(40) ? real : perturb(choose, real, hostPageSize);
    return { id, name: id, vendor, device, bars, ...(msix && { msix }), options };
  }
  const bars = chooseBars(choose, hostPageSize, anyBarSize);
  const msix = choose.chance(88) ? chooseMsix(choose, bars, hostPageSize) : undefined;
  return { id, name: id, vendor: 0, device: 0, bars, ...(msix && { msix }), options };
}

function chooseOptions(choose: Choose): DeviceOptionsSpec {
  if (choose.chance(88)) return {};
  return choose.weighted<DeviceOptionsSpec>(
    [6, { 'x-msix-relocation': choose.among(['bar0', 'bar1', 'bar2', 'bar3', 'bar4', 'bar5']) }],
    [1, { 'x-msix-relocation': 'auto' }],
    [2, { 'x-no-mmap': true }],
    [2, { 'x-no-msix-emulation': true }],
  );
}

/** A real device with another layout, another BAR size, or another number of vectors. */
function perturb(choose: Choose, device: DeviceSpec, page: bigint): DeviceSpec {
  const resized = choose.chance(40) ? { ...device, bars: resizeOne(choose, device.bars) } : device;
  if (resized.msix === undefined) return resized;
  const msix = choose.weighted<() => MsixSpec>(
    [3, () => chooseMsix(choose, resized.bars, page) ?? resized.msix!],
    [1, () => ({ ...resized.msix!, tableOffset: nudge(choose, resized.msix!.tableOffset) })],
    [1, () => ({ ...resized.msix!, pbaOffset: nudge(choose, resized.msix!.pbaOffset) })],
  )();
  return { ...resized, msix };
}

const nudge = (choose: Choose, at: bigint) =>
  offset(choose.among([at ^ 0x8n, at ^ 0x800n, at ^ 0x1000n, at ^ 0x8000n]));

function resizeOne(choose: Choose, bars: readonly BarSpec[]): readonly BarSpec[] {
  const chosen = choose.among(bars);
  const size = choose.chance(50) ? chosen.size * 2n : chosen.size / 2n || 1n;
  return bars.map((bar) => (bar === chosen ? { ...bar, size } : bar));
}
