import { describe, expect, it } from 'vitest';
import { decodeScenario } from './decode-scenario.ts';
import { allowsMsixMmap, isKernelBefore, isKernelVersion } from './host-kernel.ts';

describe('the kernel of a host', () => {
  it('is a version of two numbers', () => {
    expect(['6.12', '4.8', '7.2', '10.100'].every(isKernelVersion)).toBe(true);
    expect(['6', '6.12.1', 'v6.12', '06.1', ' 6.1', ''].some(isKernelVersion)).toBe(false);
  });

  it('is compared by number, and a kernel without a version is a recent one, but for sparse-msix', () => {
    expect(isKernelBefore('6.2', '6.12')).toBe(true);
    expect(isKernelBefore('6.12', '6.12')).toBe(false);
    expect(isKernelBefore('5.19', '6.0')).toBe(true);
    expect(isKernelBefore('msix-mappable', '7.2')).toBe(false);
    expect(isKernelBefore('sparse-msix', '4.16')).toBe(true);
  });

  it('allows an mmap of the MSI-X table since 4.16', () => {
    expect(['4.15', 'sparse-msix'].some(allowsMsixMmap)).toBe(false);
    expect(['4.16', '6.12', 'msix-mappable'].every(allowsMsixMmap)).toBe(true);
  });
});

const decode = (parts: { machine?: object; host?: object; iommu?: object; bar?: object }) =>
  decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x10000000', ...parts.machine },
    host: { kernel: '6.12', iommu: { type: 'type1', ...parts.iommu }, ...parts.host },
    devices: [{ id: 'd', bars: [{ index: 0, size: '0x1000', type: 'mem32', ...parts.bar }] }],
  });

describe('decodeScenario of a host with limits', () => {
  it('reads the fields that are given, and leaves out the others', () => {
    const limits = { memlock: 0x1000n, unpinnableRam: [{ start: 0n, end: 0xfffn }] };
    const read = decode({
      machine: { cpu: { vendor: 'amd', physBits: 48 }, pciHole64Size: '0x80000000' },
      host: { memlock: '0x1000', unpinnableRam: [{ start: '0x0', end: '0xfff' }] },
      bar: { mmapError: 'EBUSY', p2p: false },
    });
    expect(read.machine).toMatchObject({ cpu: { vendor: 'amd', physBits: 48 }, pciHole64Size: 0x8000_0000n });
    expect(read.host).toMatchObject({ kernel: '6.12', ...limits });
    expect(read.devices[0]!.bars[0]).toMatchObject({ mmapError: 'EBUSY', p2p: false });
    expect(Object.keys(decode({}).machine)).not.toContain('cpu');
    expect(
      decode({ machine: { type: 'virt', highmemMmioSize: '0x10000000000' } }).machine.highmemMmioSize,
    ).toBe(1n << 40n);
  });

  it.each([
    [
      'a kernel that is not modelled',
      { host: { kernel: '4.7' } },
      /host\.kernel: expected Linux 4\.8 or later/,
    ],
    [
      'iommufd before 6.2',
      { host: { kernel: '6.1' }, iommu: { type: 'iommufd' } },
      /iommufd needs Linux 6\.2/,
    ],
    [
      'an Arm CPU in q35',
      { machine: { cpu: { vendor: 'arm', physBits: 48 } } },
      /q35 has a CPU of intel or amd/,
    ],
    ['a width of 31 bits', { machine: { cpu: { vendor: 'amd', physBits: 31 } } }, /physBits/],
    [
      'a PCI hole of virt',
      { machine: { type: 'virt', pciHole64Size: 0 } },
      /pci-hole64-size is for pc and q35/,
    ],
    [
      'a high window of q35',
      { machine: { highmemMmioSize: '0x8000000000' } },
      /highmem-mmio-size is for virt/,
    ],
    ['256 GiB of it', { machine: { type: 'virt', highmemMmioSize: '0x4000000000' } }, /highmemMmioSize/],
    ['768 GiB of it', { machine: { type: 'virt', highmemMmioSize: '0xc000000000' } }, /power of two/],
    [
      'a lock limit of vfio-user',
      { host: { memlock: 0 }, iommu: { type: 'vfio-user' } },
      /host\.memlock: needs/,
    ],
    [
      'a failing mmap of vfio-user',
      { bar: { mmapError: 'EBUSY' }, iommu: { type: 'vfio-user' } },
      /mmapError: needs/,
    ],
  ])('reports %s', (_, parts, message) => {
    expect(() => decode(parts)).toThrow(message);
  });
});
