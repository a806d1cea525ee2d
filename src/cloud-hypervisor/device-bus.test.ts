import { describe, expect, it } from 'vitest';
import { DeviceBus } from './device-bus.ts';

describe('DeviceBus', () => {
  it('takes a range that overlaps no other, and routes its start', () => {
    const bus = new DeviceBus<string>();
    expect(bus.insert('a', 0x1000n, 0x1000n)).toBe(true);
    expect(bus.insert('b', 0x2000n, 0x1000n)).toBe(true);
    expect(bus.insert('c', 0x1800n, 0x1000n)).toBe(false);
    expect(bus.insert('c', 0x5000n, 0n)).toBe(false);
    expect(bus.routes('a', 0x1000n)).toBe(true);
    expect(bus.routes('b', 0x1000n)).toBe(false);
  });

  it('moves a range, and loses it if another range is in the way', () => {
    const bus = new DeviceBus<string>();
    bus.insert('a', 0x1000n, 0x1000n);
    bus.insert('b', 0x2000n, 0x1000n);
    expect(bus.move(0x1000n, 0x4000n, 0x1000n)).toBe(true);
    expect(bus.routes('a', 0x4000n)).toBe(true);
    expect(bus.move(0x1000n, 0x5000n, 0x1000n)).toBe(false);
    expect(bus.move(0x4000n, 0x2000n, 0x1000n)).toBe(false);
    expect(bus.routes('a', 0x4000n)).toBe(false);
  });

  it('removes the ranges of a device', () => {
    const bus = new DeviceBus<string>();
    bus.insert('a', 0x1000n, 0x1000n);
    bus.removeDevice('a');
    expect(bus.insert('b', 0x1000n, 0x1000n)).toBe(true);
  });
});
