import { describe, expect, it } from 'vitest';
import { AddressManager } from './address-manager.ts';
import type { CloudHypervisorRules } from './revision.ts';
import { cloudHypervisor51 } from './revisions.ts';
import type { MmioRegion, VfioPciDevice } from './vfio-pci-device.ts';

const PAGE = 0x1000n;
const MEM32 = { type: 'mem32', prefetchable: false } as const;

/** A device with one BAR of 16 pages, which the manager has given an address and put on the bus if nothing is in the way. */
function plug(manager: AddressManager) {
  const size = 16n * PAGE;
  const region = { attributes: MEM32, size, start: manager.allocate(MEM32, size)! } as unknown as MmioRegion;
  const device = { mmioRegions: [region] } as unknown as VfioPciDevice;
  return { device, start: region.start, isOnBus: manager.insert(device, region) };
}

const managerWith = (rules: Partial<CloudHypervisorRules>): AddressManager =>
  new AddressManager({ rules: { ...cloudHypervisor51.rules, ...rules }, ram: 1n << 30n, hostPageSize: PAGE });

describe('addresses that the VMM hands out', () => {
  it('are as many as the BAR has, so that the next BAR lies beside it', () => {
    const manager = managerWith({});
    const [first, second] = [plug(manager), plug(manager)];
    expect(first.start - second.start).toBe(16n * PAGE);
    expect([first.isOnBus, second.isOnBus]).toEqual([true, true]);
  });

  it('are what the rules say, so that a BAR with too few has the next one in its way', () => {
    const manager = managerWith({ allocatedSize: (_, size) => size / 2n, alignment: () => PAGE });
    const [first, second] = [plug(manager), plug(manager)];
    expect(first.start - second.start).toBe(8n * PAGE);
    expect([first.isOnBus, second.isOnBus]).toEqual([true, false]);
  });

  it('come back as they were taken', () => {
    const manager = managerWith({ allocatedSize: (_, size) => 4n * size });
    const first = plug(manager);
    manager.remove(first.device);
    expect(plug(manager).start).toBe(first.start);
  });
});
