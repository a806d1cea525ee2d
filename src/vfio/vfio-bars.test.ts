import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import type { DeviceRules } from './device-rules.ts';
import { MEM32, P4K, P64K, plug, revision, type FakeDevice } from './testing/fakes.ts';

const ONE_AREA: FakeDevice = { bars: { 0: { size: P64K, attributes: MEM32, sparse: [[0x4000n, P4K]] } } };

function plugWith(rules: Partial<DeviceRules>, fake = ONE_AREA) {
  const newest = revision('qemu-11.1');
  return plug(fake, { revision: { ...newest, device: { ...newest.device, ...rules } } });
}

describe('the event of an mmap', () => {
  const mmapsWith = (rules: Partial<DeviceRules>) =>
    plugWith(rules)
      .log.take()
      .filter(({ type }) => type === 'mmap');

  it('names the bytes of the BAR, which the guest sees at the same offset', () => {
    expect(mmapsWith({})).toEqual([
      { type: 'mmap', device: 'dev0', bar: 0, offset: 0x4000n, size: P4K, errno: 0 },
    ]);
  });

  it('says where the guest sees the bytes if a patch mmaps others', () => {
    expect(mmapsWith({ mmapOffset: () => offset(0x8000n) })).toEqual([
      { type: 'mmap', device: 'dev0', bar: 0, offset: 0x8000n, size: P4K, shownAt: 0x4000n, errno: 0 },
    ]);
  });
});

describe('the mmap of a BAR that the host lets be read alone (vfio fact 5.21)', () => {
  it.each([
    [true, false, true],
    [true, true, false],
    [false, false, false],
  ])(
    'is for reading if a patch honours the flag (%s), for a writable BAR (%s): %s',
    (honoursWriteFlag, writable, readonly) => {
      const fake: FakeDevice = { bars: { 0: { size: P64K, attributes: MEM32, writable } } };
      const { device } = plugWith({ honoursWriteFlag }, fake);
      expect(device.regions[0]!.mmaps.map(({ region }) => region?.readonly)).toEqual([readonly]);
    },
  );
});
