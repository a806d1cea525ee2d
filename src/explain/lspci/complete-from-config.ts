import {
  BAR_COUNT,
  MSIX_CAPABILITY_ID,
  PciRegister,
  barRegister,
  splitLocator,
} from '../../pci-layout/index.ts';
import type { PastedBar, PastedDevice, PastedMsix } from './pasted-device.ts';

const HEADER_TYPE = 0x0e;
/** Bit 0 of a BAR register: I/O space; bits 1 and 2: the width; bit 3: prefetchable (PCI 3.0 section 6.2.5.1). */
const [IO, WIDTH, WIDTH_64, PREFETCHABLE] = [0x1, 0x6, 0x4, 0x8];

/** The device with what its configuration space says: BARs without their sizes, ids, and the place of MSI-X. */
export function completeFromConfig(device: PastedDevice, bytes: Uint8Array): PastedDevice {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const vendor = view.getUint16(0, true);
  if (vendor === 0xffff) return { ...device, isSilent: true, hasDetails: true };
  const headerType = view.getUint8(HEADER_TYPE) & 0x7f;
  const msix = bytes.length >= 256 ? msixOf(view) : undefined;
  return {
    ...device,
    vendorId: vendor,
    deviceId: view.getUint16(2, true),
    isBridge: device.isBridge || headerType !== 0,
    bars: headerType === 0 ? mergeBars(device, barsOf(view)) : device.bars,
    msix: msix ?? device.msix,
    capabilities: bytes.length >= 256 ? 'in full' : device.capabilities,
    countedIndexes: false,
    hasDetails: true,
  };
}

/** The BARs that have an address in their registers. */
function barsOf(view: DataView): readonly PastedBar[] {
  const bars: PastedBar[] = [];
  for (let index = 0; index < BAR_COUNT; index++) {
    const low = view.getUint32(barRegister(index), true);
    if (low === 0) continue;
    const isIo = (low & IO) !== 0;
    const is64 = !isIo && (low & WIDTH) === WIDTH_64 && index + 1 < BAR_COUNT;
    const high = is64 ? BigInt(view.getUint32(barRegister(index + 1), true)) : 0n;
    bars.push({
      index,
      space: isIo ? 'io' : 'memory',
      width: is64 ? 64 : 32,
      prefetchable: !isIo && (low & PREFETCHABLE) !== 0,
      address: (high << 32n) | BigInt((low & (isIo ? ~0x3 : ~0xf)) >>> 0),
      size: undefined,
      marks: [],
    });
    if (is64) index++;
  }
  return bars;
}

/** Sizes and marks are those of the text, indexes those of the registers. */
function mergeBars({ bars, countedIndexes }: PastedDevice, read: readonly PastedBar[]): readonly PastedBar[] {
  const sameAddress = (bar: PastedBar): PastedBar | undefined =>
    read.find(({ address, space }) => address === bar.address && space === bar.space);
  const named = bars.map((bar) =>
    countedIndexes ? { ...bar, index: sameAddress(bar)?.index ?? bar.index } : bar,
  );
  const added = read.filter(({ index }) => !named.some((bar) => bar.index === index));
  return [...named, ...added].toSorted((a, b) => (a.index ?? BAR_COUNT) - (b.index ?? BAR_COUNT));
}

/** The MSI-X capability in the list of capabilities (vfio fact 5.6). */
function msixOf(view: DataView): PastedMsix | undefined {
  const visited = new Set<number>();
  for (
    let at = view.getUint8(PciRegister.CAPABILITY_POINTER) & ~3;
    at >= 0x40 && at + 12 <= view.byteLength && !visited.has(at);
    at = view.getUint8(at + 1) & ~3
  ) {
    visited.add(at);
    if (view.getUint8(at) !== MSIX_CAPABILITY_ID) continue;
    const table = splitLocator(view.getUint32(at + 4, true));
    const pba = splitLocator(view.getUint32(at + 8, true));
    return {
      vectors: (view.getUint16(at + 2, true) & 0x7ff) + 1,
      table: { bar: table.bir, offset: table.offset },
      pba: { bar: pba.bir, offset: pba.offset },
    };
  }
  return undefined;
}
