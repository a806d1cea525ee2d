import { describe, expect, it } from 'vitest';
import { QemuLog, rangeWord } from './qemu-log.ts';

const slot = (space: number, number: number, gpa: string, size: string, flags = '0x0', ret = 0): string =>
  `kvm_set_user_memory AddrSpace#${space} Slot#${number} flags=${flags} gpa=${gpa} size=${size} ua=0x7f0000000000 guest_memfd=-1 guest_memfd_offset=0x0 ret=${ret}`;

describe('QemuLog', () => {
  it('has the DMA requests in order, and their sizes', () => {
    const { requests } = new QemuLog([
      'vfio_listener_region_add_ram region_add [ram] 0x0 - 0x3ffffff [0x7fe72fe00000]',
      'vfio_region_mmap Region 0000:01:00.0 BAR 0 mmaps[0] [0x0 - 0x1ffffff]',
      'vfio_listener_region_del region_del 0x0 - 0x3ffffff',
    ]);
    expect(requests).toEqual([
      { kind: 'map', start: 0n, size: 0x400_0000n },
      { kind: 'unmap', start: 0n, size: 0x400_0000n },
    ]);
  });

  it('has the slots in force of address space 0, by rising address', () => {
    const { slots } = new QemuLog([
      slot(0, 1, '0xfffc0000', '0x40000', '0x2'),
      slot(0, 0, '0x0', '0x4000000'),
      slot(1, 0, '0x1000', '0x1000'),
      slot(0, 2, '0x8000000000', '0x2000'),
      slot(0, 2, '0x8000000000', '0x0'),
    ]);
    expect(slots).toEqual([
      { slot: 0, gpa: 0n, size: 0x400_0000n, readonly: false },
      { slot: 1, gpa: 0xfffc_0000n, size: 0x4_0000n, readonly: true },
    ]);
  });

  it('passes over a slot that KVM refuses', () => {
    expect(new QemuLog([slot(0, 0, '0x0', '0x1000', '0x0', -22)]).slots).toEqual([]);
  });
});

describe('rangeWord', () => {
  it('has start and size', () => {
    expect(rangeWord(0x1000n, 0x2000n)).toBe('0x1000+0x2000');
  });
});
