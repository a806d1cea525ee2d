import { isPowerOfTwo, offset } from '../../src/address/index.ts';
import { SMALLEST_ROM, msixTableRange } from '../../src/pci-layout/index.ts';
import type { BarSpec, DeviceSpec, MsixSpec, RomSpec } from '../../src/scenario/index.ts';
import { rounderNumbers } from './numbers.ts';

/** Simpler devices in place of this one. */
export function* simplerDevices(device: DeviceSpec): Generator<DeviceSpec> {
  const { msix, ...withoutMsix } = device;
  if (msix !== undefined) yield withoutMsix;
  if (Object.keys(device.options).length > 0) yield { ...device, options: {} };
  const { vga, configSize, ...plain } = device;
  if (vga !== undefined || configSize !== undefined) yield plain;
  if (configSize !== undefined) yield { ...plain, ...(vga !== undefined && { vga }) };
  if (device.vendor !== 0 || device.device !== 0) yield { ...device, vendor: 0, device: 0 };
  if (device.name !== device.id) yield { ...device, name: device.id };
  const { rom } = device;
  if (rom !== undefined) for (const simpler of simplerRoms(rom)) yield { ...device, rom: simpler };
  for (const [index, bar] of device.bars.entries()) {
    for (const simpler of simplerBars(bar)) yield { ...device, bars: device.bars.with(index, simpler) };
    if (msix === undefined) continue;
    // A smaller BAR, with the table, the PBA or both moved down by as much as the BAR shrinks.
    for (const size of simplerSizes(bar.size)) {
      const bars = device.bars.with(index, { ...bar, size });
      for (const moved of keepingItsPlace(msix, bar, size)) yield { ...device, bars, msix: moved };
    }
  }
  if (msix !== undefined) for (const simpler of simplerMsix(msix)) yield { ...device, msix: simpler };
}

function* simplerRoms({ size, contents }: RomSpec): Generator<RomSpec> {
  if (contents !== undefined) yield { size };
  const part = contents === undefined ? {} : { contents };
  for (const simpler of [0x1000n, 0x1_0000n, 0x800n, size / 2n])
    if (simpler >= SMALLEST_ROM) yield { size: simpler, ...part };
}

function* simplerBars(bar: BarSpec): Generator<BarSpec> {
  const { sparse, ...plain } = bar;
  if (sparse !== undefined) {
    yield plain;
    for (const [index, area] of sparse.entries()) {
      yield { ...bar, sparse: sparse.toSpliced(index, 1) };
      for (const size of [0x1000n, 0x1_0000n])
        yield { ...bar, sparse: sparse.with(index, { ...area, size }) };
      for (const start of [0n, 0x1000n, 0x1_0000n]) {
        yield { ...bar, sparse: sparse.with(index, { ...area, offset: offset(start) }) };
      }
    }
  }
  const { mmapError, p2p, ...usual } = bar;
  if (bar.writable !== undefined) {
    const { writable: _, ...written } = bar;
    yield written;
  }
  if (mmapError !== undefined || p2p !== undefined) yield usual;
  if (mmapError !== undefined && p2p !== undefined) {
    yield { ...usual, mmapError };
    yield { ...usual, p2p };
  }
  if (bar.type.endsWith('p')) yield { ...bar, type: bar.type.slice(0, -1) as BarSpec['type'] };
  if (bar.type !== 'mem32' && bar.type !== 'io') yield { ...bar, type: 'mem32' };
  if (!bar.mmap && bar.type !== 'io') yield { ...bar, mmap: true };
  for (const size of simplerSizes(bar.size)) yield { ...bar, size };
}

const simplerSizes = (size: bigint): readonly bigint[] =>
  [0x1000n, 0x1_0000n, 0x800n, size / 4n, size / 2n, 2n * size, 0x3000n].filter(
    (simpler) => simpler >= 16n && (isPowerOfTwo(simpler) || !isPowerOfTwo(size)),
  );

/** An offset that the MSI-X capability can hold: 32 bits, of which the three low ones are the BIR. */
const capabilityOffset = (at: bigint) => offset(at & 0xffff_fff8n);

function* keepingItsPlace(msix: MsixSpec, bar: BarSpec, size: bigint): Generator<MsixSpec> {
  const lost = bar.size - size;
  const shift = (at: bigint) => (at >= lost ? capabilityOffset(at - lost) : offset(at));
  const table = msix.tableBar === bar.index ? shift(msix.tableOffset) : msix.tableOffset;
  const pba = msix.pbaBar === bar.index ? shift(msix.pbaOffset) : msix.pbaOffset;
  yield { ...msix, tableOffset: table };
  yield { ...msix, pbaOffset: pba };
  yield { ...msix, tableOffset: table, pbaOffset: pba };
  yield { ...msix, tableOffset: offset(0n), pbaOffset: capabilityOffset(size / 2n) };
}

function* simplerMsix(msix: MsixSpec): Generator<MsixSpec> {
  for (const vectors of [1, 2, 64, Math.floor(msix.vectors / 2), msix.vectors - 1]) {
    if (vectors >= 1 && vectors < msix.vectors) yield { ...msix, vectors };
  }
  if (msix.pbaBar !== msix.tableBar) yield { ...msix, pbaBar: msix.tableBar };
  if (msix.tableBar !== 0)
    yield { ...msix, tableBar: 0, pbaBar: msix.pbaBar === msix.tableBar ? 0 : msix.pbaBar };
  for (const at of rounderNumbers(msix.tableOffset)) yield { ...msix, tableOffset: offset(at) };
  for (const at of rounderNumbers(msix.pbaOffset)) yield { ...msix, pbaOffset: offset(at) };
  yield { ...msix, pbaOffset: capabilityOffset(msixTableRange(msix).end) };
}
