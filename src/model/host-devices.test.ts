import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import { decodeDevice, type HostSpec } from '../scenario/index.ts';
import { makeHostDevice } from './host-devices.ts';

const host = (type: 'type1' | 'vfio-user', kernel: HostSpec['kernel'] = 'msix-mappable'): HostSpec => ({
  kernel,
  iommu: { type, pageSizes: [0x1000n] },
});

const spec = decodeDevice({
  id: 'dev0',
  name: 'nic',
  vendor: 0x1425,
  device: 0x5801,
  bars: [
    { index: 0, size: 0x1_0000, type: 'mem64p' },
    { index: 2, size: 0x1_0000, type: 'mem32', sparse: [{ offset: 0x123, size: 0x5000 }] },
    { index: 3, size: 0x100, type: 'io', mmap: true },
    { index: 4, size: 0x1000, type: 'mem32p', mmap: false, sparse: [] },
    { index: 5, size: 0x1000, type: 'mem64' },
  ],
  msix: { vectors: 8, tableBar: 0, tableOffset: 0x2000, pbaBar: 0, pbaOffset: 0x3000 },
});

const readWrite = (mmap: boolean) => ({ read: true, write: true, mmap });

describe('a device behind vfio-pci', () => {
  const device = makeHostDevice(spec, host('type1'), 0x1000n);

  it('has the name, the ids and the BARs of the scenario', () => {
    const { name, vendor, device: id, msix } = device;
    expect([name, vendor, id]).toEqual(['nic', 0x1425, 0x5801]);
    expect(msix).toBe(spec.msix);
    expect([0, 2, 3, 4, 5, 1].map((index) => device.barAttributes(index))).toEqual([
      { type: 'mem64', prefetchable: true },
      { type: 'mem32', prefetchable: false },
      { type: 'io', prefetchable: false },
      { type: 'mem32', prefetchable: true },
      { type: 'mem64', prefetchable: false },
      { type: 'mem32', prefetchable: false },
    ]);
  });

  it('has an empty region for a missing BAR', () => {
    expect(device.region(1)).toEqual({
      size: 0n,
      flags: { read: false, write: false, mmap: false },
      capabilities: [],
    });
    expect(device.mmap(1, { offset: offset(0n), size: 0x1000n })).toBe(22);
  });

  it('has the region capabilities of the kernel', () => {
    expect(device.region(0)).toEqual({
      size: 0x1_0000n,
      flags: readWrite(true),
      capabilities: [{ id: 3 }],
    });
    const before = makeHostDevice(spec, host('type1', 'sparse-msix'), 0x1000n);
    expect(before.region(0).capabilities).toEqual([
      {
        id: 1,
        areas: [
          { offset: 0n, size: 0x2000n },
          { offset: 0x3000n, size: 0xd000n },
        ],
      },
    ]);
    expect(device.region(3).flags).toEqual(readWrite(false));
    expect(device.region(4)).toMatchObject({ flags: readWrite(false), capabilities: [] });
  });

  it('allows the mmaps that the kernel allows', () => {
    const area = (start: bigint, size: bigint) => ({ offset: offset(start), size });
    expect(device.mmap(0, area(0n, 0x1_0000n))).toBe(0);
    expect(device.mmap(0, area(0n, 0x2_0000n))).toBe(22);
    expect(device.mmap(0, area(0x800n, 0x1000n))).toBe(22);
    expect(device.mmap(3, area(0n, 0x100n))).toBe(22);
    const before = makeHostDevice(spec, host('type1', 'sparse-msix'), 0x1000n);
    expect(before.mmap(0, area(0n, 0x1_0000n))).toBe(22);
    expect(before.mmap(0, area(0n, 0x2000n))).toBe(0);
  });

  it('has no sparse areas without MSI-X', () => {
    const { msix: _, ...rest } = spec;
    const plain = makeHostDevice(rest, host('type1', 'sparse-msix'), 0x1000n);
    expect(plain.msix).toBeUndefined();
    expect(plain.region(0).capabilities).toEqual([]);
  });
});

describe('a device behind a vfio-user server', () => {
  const device = makeHostDevice(spec, host('vfio-user'), 0x1000n);

  it('reports the sparse areas of the scenario and adds none', () => {
    const before = makeHostDevice(spec, host('vfio-user', 'sparse-msix'), 0x1000n);
    expect(device.region(0)).toEqual({ size: 0x1_0000n, flags: readWrite(true), capabilities: [{ id: 3 }] });
    expect(before.region(0).capabilities).toEqual([]);
    expect(device.region(2).capabilities).toEqual([{ id: 1, areas: [{ offset: 0x123n, size: 0x5000n }] }]);
    expect(device.region(4)).toMatchObject({ flags: readWrite(false), capabilities: [] });
    expect(device.region(5).capabilities).toEqual([]);
    expect(device.region(1).size).toBe(0n);
  });

  it('may allow an mmap of an I/O BAR', () => {
    expect(device.region(3)).toEqual({ size: 0x100n, flags: readWrite(true), capabilities: [] });
  });

  it('allows an mmap of any length from any page on', () => {
    const area = (start: bigint, size: bigint) => ({ offset: offset(start), size });
    for (const index of [0, 1, 3]) {
      expect(device.mmap(index, area(0n, 1n << 40n))).toBe(0);
      expect(device.mmap(index, area(0x5000n, 1n))).toBe(0);
      expect(device.mmap(index, area(0x123n, 0x1000n))).toBe(22);
    }
    expect(makeHostDevice(spec, host('vfio-user'), 0x1_0000n).mmap(0, area(0x5000n, 0x1000n))).toBe(22);
  });
});
