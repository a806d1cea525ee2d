import { describe, expect, it } from 'vitest';
import { offset } from '../address/index.ts';
import { DeviceBackend } from './device-backend.ts';
import { SystemCallError } from './system-calls.ts';
import { bytes, text } from './testing/bytes.ts';
import { device } from './testing/device.ts';
import { FakeSystemCalls } from './testing/fake-system-calls.ts';

const access = (region: number, at: bigint, count: number) => ({ region, offset: offset(at), count });

describe('DeviceBackend', () => {
  it('has 256 bytes of configuration space, and 4096 for a PCI Express device', () => {
    const calls = new FakeSystemCalls();
    const plain = new DeviceBackend(device, calls);
    const express = new DeviceBackend({ ...device, pciExpress: true }, calls);
    expect(plain.regionInfo(7)!.size).toBe(256n);
    expect(express.regionInfo(7)!.size).toBe(4096n);
    expect(() => plain.read(access(7, 254n, 4))).toThrow('region 7 has 256 bytes');
    // Extended configuration space has no capabilities.
    express.write(access(7, 254n, 4), bytes('ffffffff'));
    expect(text(express.read(access(7, 254n, 4)))).toBe('00000000');
    expect(text(express.read(access(7, 0n, 4096)).subarray(0, 4))).toBe('86807215');
  });

  it('takes writes of 8 bytes and of 1 byte to its registers', () => {
    const backend = new DeviceBackend(device, new FakeSystemCalls());
    backend.write(access(7, 0x10n, 8), bytes('ffffffffffffffff'));
    backend.write(access(7, 0x43n, 1), bytes('ff'));
    expect(text(backend.read(access(7, 0x10n, 8)))).toBe('00c0ffff 00000000');
    expect(text(backend.read(access(7, 0x40n, 4)))).toBe('11000fc0');
    backend.reset();
    expect(text(backend.read(access(7, 0x40n, 4)))).toBe('11000f00');
  });

  it('has memory files of whole 64 KiB pages that reach to the end of the last sparse area', () => {
    const calls = new FakeSystemCalls();
    const flags = { read: true, write: true, mmap: true };
    const attributes = { type: 'mem64', prefetchable: false } as const;
    const areas = [{ offset: offset(0x20000n), size: 1n }];
    const huge = [{ offset: offset(0xffff_ffff_ffff_f000n), size: 0x1000n }];
    const backend = new DeviceBackend(
      {
        ...device,
        bars: [
          { attributes, info: { size: 0x80n, flags, capabilities: [] } },
          { attributes, info: { size: 0x10000n, flags, capabilities: [{ id: 1, areas }] } },
          { attributes, info: { size: 0x10000n, flags, capabilities: [{ id: 1, areas: huge }] } },
        ],
      },
      calls,
    );
    expect([0, 1, 2].map((index) => calls.file(backend.file(index)!).size)).toEqual([
      0x10000n,
      0x30000n,
      1n << 62n,
    ]);
    expect(backend.file(3)).toBeUndefined();
    backend.close();
    backend.close();
    expect(calls.open.size).toBe(0);
  });

  it('throws and closes all files when memfd_create fails', () => {
    const calls = new FakeSystemCalls();
    calls.failing.push('none', 'memoryFile');
    expect(() => new DeviceBackend(device, calls)).toThrow(SystemCallError);
    expect(calls.open.size).toBe(0);
  });
});
