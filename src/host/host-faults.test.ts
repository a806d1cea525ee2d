import { describe, expect, it } from 'vitest';
import { Errno } from './errno.ts';
import { HostFaults } from './host-faults.ts';

const { ENOMEM, EIO } = Errno;

describe('the faults of a host', () => {
  it('leave every request to the kernel where there are none', () => {
    expect(new HostFaults().answer('map', { start: 0n, size: 1n })).toBe(0);
  });

  it('choose by the kind of request', () => {
    const faults = new HostFaults([{ request: 'map', answer: ENOMEM }]);
    expect(['map', 'unmap', 'map'].map((request) => faults.answer(request, {}))).toEqual([ENOMEM, 0, ENOMEM]);
  });

  it.each([
    [0x1000n, 0x1000n, ENOMEM],
    [0x1000n, 0x800n, 0],
    [0x1801n, 0x1000n, 0],
    [0x1800n, 1n, ENOMEM],
    [0n, 1n << 64n, ENOMEM],
  ] as const)('choose by an address inside [0x%s, +0x%s): %s', (start, size, answer) => {
    const faults = new HostFaults([{ request: 'map', answer: ENOMEM, at: 0x1800n }]);
    expect(faults.answer('map', { start, size })).toBe(answer);
  });

  it('choose by the device', () => {
    const faults = new HostFaults([{ request: 'reset', answer: 'never', device: 'a' }]);
    expect(['b', 'a'].map((device) => faults.answer('reset', { device }))).toEqual([0, 'never']);
  });

  it('count the requests that the other fields choose, each fault by itself', () => {
    const faults = new HostFaults([
      { request: 'map', answer: ENOMEM, at: 5n, nth: 2 },
      { request: 'map', answer: EIO, nth: 3 },
    ]);
    const at = (start: bigint) => faults.answer('map', { start, size: 1n });
    expect([at(5n), at(6n), at(5n), at(5n), at(7n)]).toEqual([0, 0, ENOMEM, 0, 0]);
  });
});
