import { isAligned, lesser, offset } from '../src/address/index.ts';
import { msixTableSize } from '../src/pci-layout/index.ts';
import type { DeviceSpec, Scenario } from '../src/scenario/index.ts';
import type { Choose } from './choose.ts';

/** A kernel that exports BARs as dma-bufs, as Linux does since 6.19. */
const KERNEL_WITH_DMA_BUFS = '7.2';
/** MSI-X vectors whose table and PBA fit into a page of any host. */
const MOST_VECTORS = 64;
/** Pages that a BAR has at least: one before the area, one of the area, one of the table, and one behind it. */
const LEAST_PAGES = 4n;

/**
 * The scenario on a kernel that exports BARs as dma-bufs, with a BAR whose only mmap area begins some pages after the BAR.
 * Often the MSI-X table lies within the area and cuts it.
 */
export function withLaterArea(choose: Choose, scenario: Scenario): Scenario {
  const { devices, machine, host } = scenario;
  const page = machine.hostPageSize;
  const places = devices.flatMap(({ bars }, device) =>
    bars.flatMap(({ type, mmap, size }, bar) =>
      type !== 'io' && mmap && isAligned(size, page) && size >= LEAST_PAGES * page ? [{ device, bar }] : [],
    ),
  );
  if (places.length === 0) return scenario;
  const place = choose.among(places);
  const chosen = devices[place.device]!;
  const bar = chosen.bars[place.bar]!;
  const last = lesser(bar.size / page - LEAST_PAGES + 1n, 4n);
  const start = page * choose.bigint(1n, last);
  const sparse = [{ offset: offset(start), size: bar.size - start }];
  const device = { ...chosen, bars: chosen.bars.with(place.bar, { ...bar, sparse }) };
  const cut = choose.chance(70) ? withTableAt(device, bar.index, start + page) : device;
  return {
    ...scenario,
    host: { ...host, kernel: KERNEL_WITH_DMA_BUFS },
    devices: devices.with(place.device, cut),
  };
}

const withTableAt = (device: DeviceSpec, bar: number, at: bigint): DeviceSpec => {
  const vectors = Math.min(device.msix?.vectors ?? 1, MOST_VECTORS);
  const pbaOffset = offset(at + msixTableSize(vectors));
  return { ...device, msix: { vectors, tableBar: bar, tableOffset: offset(at), pbaBar: bar, pbaOffset } };
};
