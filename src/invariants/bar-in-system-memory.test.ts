import { describe, expect, it } from 'vitest';
import { isShown, showsPorts, startOfBar } from './bar-in-system-memory.ts';
import { bar, device, flat, region, scenario } from './testing/index.ts';

const SIZE = 0x1000n;
const on = (type: string, address: bigint) =>
  startOfBar(bar(0, SIZE, { address }), scenario({ machine: { type } }));

describe('startOfBar', () => {
  it('is the bus address where the host bridge shifts nothing', () => {
    expect(on('q35', 0xe000_0000n)).toBe(0xe000_0000n);
  });

  it('is shifted by the 32-bit window of pseries, and not by the 64-bit window', () => {
    expect(on('pseries', 0x8000_0000n)).toBe(0x2000_8000_0000n);
    expect(on('pseries', 0xffff_f000n)).toBe(0x2000_ffff_f000n);
    expect(on('pseries', 0x2100_0000_0000n)).toBe(0x2100_0000_0000n);
    expect(on('pseries', 0x21ff_ffff_f000n)).toBe(0x21ff_ffff_f000n);
  });

  it.each([0x7fff_f000n, 0x1_0000_0000n, 0x20ff_ffff_f000n, 0x2200_0000_0000n])(
    'is nowhere outside of the windows of pseries, such as at %s',
    (address) => {
      expect(on('pseries', address)).toBeUndefined();
    },
  );

  it('is nowhere for a BAR that is not mapped, or lies in I/O space', () => {
    expect(startOfBar(bar(0, SIZE, { address: undefined }), scenario())).toBeUndefined();
    expect(startOfBar(bar(0, SIZE, { address: 0x1000n, type: 'io' }), scenario())).toBeUndefined();
  });
});

describe('showsPorts', () => {
  const ports = device([bar(5, 0x80n, { address: 0x1000n, type: 'io' }), bar(0, SIZE, { address: 0x2000n })]);
  const shows = (start: bigint, size: bigint, type = 'virt', plugged = ports) =>
    showsPorts({ start, end: start + size }, plugged, scenario({ machine: { type } }));

  it('knows the window in which virt shows the ports of a BAR', () => {
    expect(shows(0x3eff_1000n, 0x80n)).toBe(true);
    expect(shows(0x3eff_1008n, 8n)).toBe(true);
    expect([shows(0x3eff_1000n, 0x81n), shows(0x3eff_0ff8n, 8n), shows(0x3eff_2000n, 8n)]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('knows none on other machines, and none of a BAR that is not mapped', () => {
    expect(shows(0x3eff_1000n, 0x80n, 'q35')).toBe(false);
    expect(shows(0x3eff_1000n, 8n, 'virt', device([bar(5, 0x80n, { type: 'io' })]))).toBe(false);
  });
});

describe('isShown', () => {
  it('finds a region of the BAR in the view, not one of another device', () => {
    const plugged = device([bar(0, SIZE, { address: 0n })]);
    const view = (owner: string) => [flat(0n, SIZE, region('dev0 BAR 0', 'io', owner))];
    expect(isShown(plugged.bars[0]!, plugged, view('dev0'))).toBe(true);
    expect(isShown(plugged.bars[0]!, plugged, view('dev1'))).toBe(false);
    expect(isShown(plugged.bars[0]!, plugged, [])).toBe(false);
  });

  it('finds no other region of the device', () => {
    const plugged = device([bar(0, SIZE, { address: 0n }), bar(1, SIZE, { address: SIZE })]);
    const view = [flat(SIZE, SIZE, region('dev0 BAR 1', 'io', 'dev0'))];
    expect(plugged.bars.map((each) => isShown(each, plugged, view))).toEqual([false, true]);
  });
});
