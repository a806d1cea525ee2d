import { describe, expect, it } from 'vitest';
import { MEM32, P64K, plug, revision, type Bench, type FakeDevice } from './testing/fakes.ts';

const NIC: FakeDevice = {
  bars: {
    0: { size: P64K, attributes: MEM32, msixMappable: true },
    2: { size: P64K, attributes: MEM32 },
  },
  msix: [8, 0, 0x8000n, 0, 0x9000n],
};
const FIRST = 0xd000_0000n;
const SECOND = 0xd010_0000n;

/** A device whose table stays where its BAR was first, with memory enabled. */
function started(rest: Bench = {}, tableFollowsBar = false) {
  const newest = revision('qemu-11.1');
  const made = plug(NIC, {
    ...rest,
    revision: { ...newest, device: { ...newest.device, tableFollowsBar } },
  });
  made.device.setMemoryEnabled(true);
  const table = (): string[] => made.view().filter((line) => line.includes('msix-table'));
  return { ...made, table };
}

describe('an emulated table that does not follow its BAR', () => {
  it('is trapped only while its BAR lies where the BAR was mapped first', () => {
    const { device, table } = started();
    device.setBar(0, FIRST);
    expect(table()).toEqual(['d0008000+80 io msix-table @0']);
    device.setBar(0, SECOND);
    expect(table()).toEqual([]);
    device.setMemoryEnabled(false);
    device.setMemoryEnabled(true);
    expect(table()).toEqual([]);
    device.setBar(0, FIRST);
    expect(table()).toEqual(['d0008000+80 io msix-table @0']);
  });

  it('stays enabled while its BAR is off the bus, and is there again with the BAR', () => {
    const { device, table, bus } = started();
    device.setBar(0, FIRST);
    bus.topology.transaction(() => {
      device.setMemoryEnabled(false);
      expect(device.pci.bar(0)!.region.container).toBeUndefined();
      const region = device.pci.bar(0)!.region.subregions.find(({ name }) => name === 'msix-table');
      expect(region!.enabled).toBe(true);
    });
    device.setMemoryEnabled(true);
    expect(table()).toHaveLength(1);
  });

  it('takes no notice of another BAR that moves', () => {
    const { device, table } = started();
    device.setBar(2, 0xe000_0000n);
    device.setBar(0, FIRST);
    device.setBar(2, 0xe010_0000n);
    expect(table()).toHaveLength(1);
  });

  it('is no matter for a device without a table that is trapped', () => {
    const { device, table } = started({ machineOptsOutOfMsixEmulation: true });
    device.setBar(0, FIRST);
    expect(table()).toEqual([]);
    device.setBar(0, SECOND);
    expect(table()).toEqual([]);
    expect(device.pci.bar(0)!.address).toBe(SECOND);
  });

  it('moves with its BAR in QEMU', () => {
    const { device, table } = started({}, true);
    device.setBar(0, FIRST);
    device.setBar(0, SECOND);
    expect(table()).toEqual(['d0108000+80 io msix-table @0']);
  });
});
