import { describe, expect, it } from 'vitest';
import { MEM32, P4K, P64K, plug, revision, type FakeDevice } from './testing/fakes.ts';
import type { DeviceRules } from './device-rules.ts';

const X = 0xd000_0000n;

/** Plugs the device into a host with pages of 64 KiB, puts its BARs at `places` and switches memory on. */
function place(
  fake: FakeDevice,
  places: Readonly<Record<number, bigint>>,
  rules: Partial<DeviceRules> = {},
  msixRelocation: 'off' | 'bar0' = 'off',
) {
  const newest = revision('qemu-11.1');
  const made = plug(fake, {
    hostPageSize: P64K,
    revision: { ...newest, device: { ...newest.device, ...rules } },
    options: { msixRelocation },
  });
  for (const [index, address] of Object.entries(places)) made.device.setBar(Number(index), address);
  made.device.setMemoryEnabled(true);
  return made;
}

const SMALL = { size: P4K, attributes: MEM32 };

describe('a BAR smaller than a page of the host (vfio fact 5.9)', () => {
  it('keeps its place above another stretched BAR in its page while a third BAR moves', () => {
    const { device, view } = place({ bars: { 0: SMALL, 2: SMALL, 4: SMALL } }, { 0: X, 2: X, 4: X + P64K });
    // Of two stretched BARs the one that moved last shows.
    device.setBar(0, X + 0x10_0000n);
    device.setBar(0, X);
    const shown = 'd0000000+10000 ramd nic BAR 0 mmaps[0] @0';
    expect(view()[0]).toBe(shown);
    device.setBar(4, X + 2n * P64K);
    expect(view()[0]).toBe(shown);
  });

  it('leaves the bus with its wrapper if relocation has doubled it', () => {
    const fake: FakeDevice = {
      bars: { 0: { ...SMALL, msixMappable: true } },
      msix: [8, 0, 0n, 0, 0x800n],
    };
    const { device, view } = place(fake, { 0: X }, {}, 'bar0');
    expect(view()).not.toEqual([]);
    device.setMemoryEnabled(false);
    expect([view(), device.pci.bar(0)!.region.container]).toEqual([[], undefined]);
  });

  it.each([
    [true, P4K],
    [false, P64K],
  ])('shrinks with its wrapper off the page boundary if a patch says so: %s', (wrapperShrinks, size) => {
    const { device } = place({ bars: { 0: SMALL } }, { 0: X }, { wrapperShrinks });
    expect(device.pci.bar(0)!.region.size).toBe(P64K);
    device.setBar(0, X + P4K);
    expect(device.pci.bar(0)!.region.size).toBe(size);
    expect(device.regions[0]!.bar!.size).toBe(P4K);
  });

  it('stays as it is if a patch does not look at moves', () => {
    const { view } = place({ bars: { 0: SMALL } }, { 0: X }, { followsMoves: false });
    expect(view()).toEqual(['d0000000+1000 ramd nic BAR 0 mmaps[0] @0']);
  });
});
