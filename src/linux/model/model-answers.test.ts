import { describe, expect, it } from 'vitest';
import { answerText } from '../../report/host-session-text.ts';
import { decodeSession } from '../session/decode-session.ts';
import { answerOnModel } from './model-answers.ts';

const answersTo = (container: string, calls: readonly object[], more: object = {}): string[] =>
  answerOnModel(decodeSession({ container, calls, ...more })).map(answerText);

const map = (iova: string, size: string, vaddr = 'ram+0x0', flags = 3) => ({
  call: 'map',
  iova,
  size,
  vaddr,
  flags,
});
const unmap = (iova: string, size: string, flags = 0) => ({ call: 'unmap', iova, size, flags });
const slot = (slotNumber: number, gpa: string, size: string, uaddr = 'ram+0x0', flags = 0) => ({
  ...{ call: 'memslot', slot: slotNumber, flags, gpa, size, uaddr },
});

describe('the answers of the model', () => {
  it('to calls on type1 version 2 are those of Type1Container', () => {
    expect(
      answersTo('type1v2', [
        map('0x10000', '0x2000'),
        map('0x11000', '0x1000'),
        map('0xfee00000', '0x1000'),
        unmap('0x10000', '0x1000'),
        { call: 'info' },
        unmap('0x0', '0x100000'),
        { call: 'unmap-all', iova: 0, size: 0, flags: 2 },
      ]),
    ).toEqual([
      ...['0', 'EEXIST', 'EINVAL', 'EINVAL unmapped=0x1000'],
      ...['0 avail=65534', '0 unmapped=0x2000', '0 unmapped=0x0'],
    ]);
  });

  it('to an unmap on type1 version 1 count a mapping that reaches beyond the range', () => {
    expect(answersTo('type1', [map('0x10000', '0x2000'), unmap('0x10000', '0x1000')])).toEqual([
      '0',
      '0 unmapped=0x2000',
    ]);
  });

  it('to maps of memory that the kernel cannot use are EFAULT, after all other tests (host fact D18)', () => {
    expect(
      answersTo('type1v2', [
        map('0x10000', '0x1000', 'hole+0x0'),
        map('0x10000', '0x1000', 'readonly+0x0'),
        map('0x10000', '0x1001', 'hole+0x0'),
        map('0xfee00000', '0x1000', 'hole+0x0'),
        map('0x10000', '0x1000', 'bar3+0x0'),
        map('0x10000', '0x1000', 'readonly+0x0', 1),
        map('0x20000', '0x200000', 'ram+0x300000', 1),
        { call: 'info' },
      ]),
      // Two adjacent areas count as one memory. A failed map gives its entry back.
    ).toEqual(['EFAULT', 'EFAULT', 'EINVAL', 'EINVAL', 'EFAULT', '0', '0', '0 avail=65533']);
  });

  it('to another argsz or other flags on type1 are EINVAL (host facts M2, M3, M5, U2 to U4 and U7)', () => {
    const toMaps = answersTo('type1v2', [
      { ...map('0x10000', '0x1000'), argsz: 31 },
      ...[0, 5, 7, 8, 2 ** 31].map((flags) => map('0x10000', '0x1000', 'ram+0x0', flags)),
      { ...map('0x10000', '0x1000'), argsz: 40 },
    ]);
    expect(toMaps).toEqual([...Array.from({ length: 6 }, () => 'EINVAL'), '0']);
    const toUnmaps = answersTo('type1v2', [
      { ...unmap('0x10000', '0x1000'), argsz: 23 },
      ...[1, 2, 3, 6, 8, 2 ** 31].map((flags) => unmap('0x10000', '0x1000', flags)),
      { ...unmap('0x10000', '0x1000'), argsz: 64 },
    ]);
    expect(toUnmaps).toEqual([
      ...Array.from({ length: 7 }, () => 'EINVAL unmapped=0x1000'),
      '0 unmapped=0x0',
    ]);
  });

  it('to a wrap with flags that are refused are EOVERFLOW from Linux 6.18 on (host fact D1)', () => {
    const wrap = (flags: number) => map('0xfffffffffffff000', '0x2000', 'ram+0x0', flags);
    const calls = [wrap(0), wrap(4), wrap(7), wrap(8), map('0x0', '0x0', 'ram+0x0', 0)];
    expect(answersTo('type1v2', calls, { kernel: '7.2.12' })).toEqual([
      ...['EOVERFLOW', 'EOVERFLOW', 'EOVERFLOW', 'EINVAL', 'EINVAL'],
    ]);
    expect(answersTo('type1v2', calls)).toEqual(Array.from({ length: 5 }, () => 'EINVAL'));
  });

  it('to the VADDR flags give an address up, and replace it (host facts M9 and R1.5.4)', () => {
    const replace = (iova: string, size: string) => map(iova, size, 'hole+0x0', 4);
    expect(
      answersTo('type1v2', [
        replace('0x10000', '0x1000'),
        map('0x10000', '0x1000'),
        map('0x11000', '0x1000'),
        replace('0x10000', '0x1000'),
        unmap('0x11000', '0x1000', 4),
        // One of the two has given up its address: nothing changes.
        unmap('0x10000', '0x2000', 4),
        replace('0x10000', '0x2000'),
        replace('0x11000', '0x1000'),
        replace('0x11000', '0x1000'),
        { call: 'unmap-all', iova: '0x0', size: '0x0', flags: 6 },
        map('0x11000', '0x1000'),
        unmap('0x10000', '0x2000'),
      ]),
    ).toEqual([
      ...[
        'ENOENT',
        '0',
        '0',
        'EINVAL',
        '0 unmapped=0x1000',
        'EINVAL unmapped=0x2000',
        'EINVAL',
        '0',
        'EINVAL',
      ],
      ...['0 unmapped=0x2000', 'EEXIST', '0 unmapped=0x2000'],
    ]);
    expect(
      answersTo('type1v2', [map('0x0', '0x1000'), unmap('0x0', '0x1000', 4)], { kernel: '5.10' }),
    ).toEqual(['0', 'EINVAL unmapped=0x1000']);
  });

  it('to maps of a BAR depend on the memory decode', () => {
    const info = { device: { open: true, bars: [{ index: 0, size: '0x4000', type: 'mem64' }] } };
    const toBar = map('0x10000', '0x1000', 'bar0+0x0');
    expect(
      answersTo('type1v2', [{ call: 'decode', on: false }, toBar, { call: 'decode', on: true }, toBar], {
        info,
      }),
    ).toEqual(['0', 'EFAULT', '0', '0']);
    expect(answersTo('type1v2', [{ call: 'decode', on: true }])).toEqual(['EBADF']);
  });

  it('to KVM_SET_USER_MEMORY_REGION are those of KvmMemslots, with the errno of the architecture', () => {
    const calls = [
      slot(0, '0x0', '0x10000'),
      slot(1, '0x8000', '0x10000'),
      slot(1, '0xffffff0000', '0x20000'),
      slot(0x10001, '0x0', '0x10000'),
      slot(0, '0x0', '0x0'),
      slot(0, '0x0', '0x1000', 'abs+0x8000000000000000'),
      slot(0, '0x0', '0x1000', 'abs+0x800000000000'),
      slot(0, '0x0', '0x1000', 'abs+0x7fffffffe000'),
      slot(1, '0x100000', '0x1000', 'ram+0x0', 4),
      slot(2, '0x200000', '0x1000', 'abs+0x1000000000000'),
      slot(3, '0x300000', '0x1000', 'abs+0x10000000000000'),
    ];
    const arm = { arch: 'aarch64', iommu: 'virtio-granule-4k' };
    expect(answersTo('kvm', calls)).toEqual([
      ...['0', 'EEXIST', 'EINVAL', '0', '0', 'EINVAL', 'EINVAL', '0', 'EINVAL', 'EINVAL', 'EINVAL'],
    ]);
    // Address spaces: x86 has two, arm64 has one (host fact D17). User space ends at 2^52 there (host fact D16).
    expect(answersTo('kvm', calls, arm)).toEqual([
      ...['0', 'EEXIST', 'EFAULT', 'EINVAL', '0', 'EINVAL', '0', 'EINVAL', 'EINVAL', '0', 'EINVAL'],
    ]);
  });

  it('to the dirty log of a BAR on arm64 are EINVAL, and the slot stays as it was (host fact D15)', () => {
    const arm = {
      ...{ arch: 'aarch64', iommu: 'virtio-granule-4k' },
      info: { device: { open: true, bars: [{ index: 0, size: '0x4000', type: 'mem64' }] } },
    };
    const withLog = slot(0, '0x10000', '0x4000', 'bar0+0x0', 1);
    expect(
      answersTo(
        'kvm',
        [withLog, slot(0, '0x10000', '0x4000', 'bar0+0x0'), withLog, slot(1, '0x10000', '0x1000')],
        arm,
      ),
    ).toEqual(['EINVAL', '0', 'EINVAL', 'EEXIST']);
  });

  it('to region-info and mmap depend on where a sub-page BAR lies in its page', () => {
    const bar = (start: string, othersInPage: unknown[] = []) => ({
      ...{ index: 0, size: '0x800', type: 'mem64', start, othersInPage },
    });
    const msix = { vectors: 4, table: { bir: 0, offset: '0x0' }, pba: { bir: 0, offset: '0x400' } };
    const calls = [
      { call: 'region-info', index: 0, argsz: 40 },
      { call: 'region-info', index: 0 },
      { call: 'region-info', index: 7 },
      { call: 'mmap', bar: 0, offset: 0, size: 0x1000, prot: 3, shared: true },
      { call: 'mmap', bar: 0, offset: 0, size: 0x1000, prot: 3, shared: false },
    ];
    const answers = (one: object): string[] =>
      answersTo('region', calls, { info: { device: { bars: [one], msix } } });
    expect(answers(bar('0xfe000000', [['0xfe000800', '0xfe000fff', 'vfio sub-page reserved']]))).toEqual([
      '0 argszOut=40 infoFlags=15 size=0x800 offset=0x0 capOffset=32 caps=[{"msix-mappable":1}]',
      '0 argszOut=40 infoFlags=15 size=0x800 offset=0x0 capOffset=0 caps=[]',
      '0 argszOut=32 infoFlags=3 size=0x1000 offset=0x70000000000 capOffset=0 caps=[]',
      '0',
      'EINVAL',
    ]);
    const shared = ['0 argszOut=40 infoFlags=3 size=0x800 offset=0x0 capOffset=0 caps=[]', 'EINVAL'];
    expect(answers(bar('0xfe000800'))).toEqual(expect.arrayContaining(shared));
    expect(answers(bar('0xfe000000', [['0xfe000c00', '0xfe000fff', 'other']]))).toEqual(
      expect.arrayContaining(shared),
    );
  });

  it('to maps on sPAPR TCE are EPERM until memory is registered', () => {
    const call = (name: string, more: object) => ({ call: name, flags: 0, ...more });
    expect(
      answersTo(
        'spapr-tce-v2',
        [
          map('0x0', '0x1000'),
          call('register', { vaddr: 'ram+0x0', size: '0x10000' }),
          call('register', { vaddr: 'hole+0x0', size: '0x10000' }),
          map('0x0', '0x1000'),
          call('create-window', { pageShift: 16, size: '0x40000000', levels: 1 }),
          call('create-window', { pageShift: 16, size: '0x40000000', levels: 1 }),
          call('remove-window', { start: '0x0' }),
          call('unmap', { iova: '0x0', size: '0x1000' }),
        ],
        { arch: 'ppc64le', pageSize: '0x10000', iommu: 'spapr' },
      ),
    ).toEqual([
      ...['EPERM', '0', 'EFAULT', '0'],
      ...['0 start=0x800000000000000', 'ENOSPC', '0', 'ENXIO unmapped=0x1000'],
    ]);
  });

  it('to region-info of other regions are those of the device, and EINVAL for an argsz below 32', () => {
    const bar = (index: number, size: string) => ({ index, size, type: 'mem32' });
    const answers = (vendor: string | undefined, bars: readonly object[]): string[] =>
      answersTo(
        'region',
        [6, 7, 8, 9, 2 ** 32 - 1].map((index) => ({ call: 'region-info', index, argsz: 64 })),
        { info: { device: { ...(vendor && { vendor }), bars } } },
      );
    const region = (flags: number, size: string, index: number): string =>
      `0 argszOut=64 infoFlags=${flags} size=${size} offset=0x${index}0000000000 capOffset=0 caps=[]`;
    const none = ['EINVAL', 'EINVAL', 'EINVAL'];
    const noRom = region(0, '0x0', 6);
    expect(answers(undefined, [bar(0, '0x100')])).toEqual([noRom, region(3, '0x1000', 7), ...none]);
    // QEMU's sdhci-pci is a conventional device, and its e1000e has a ROM.
    expect(answers('0x1b36', [bar(0, '0x100')])).toEqual([noRom, region(3, '0x100', 7), ...none]);
    const e1000e = [
      bar(0, '0x20000'),
      bar(1, '0x20000'),
      { ...bar(2, '0x20'), type: 'io' },
      bar(3, '0x4000'),
    ];
    expect(answers('0x8086', e1000e)[0]).toBe(region(1, '0x40000', 6));
    const short = [{ call: 'region-info', index: 7, argsz: 31 }];
    expect(answersTo('region', short)).toEqual(['EINVAL']);
  });

  it('to an mmap that is longer than user space are ENOMEM, after the tests of the system call', () => {
    const mmap = (offset: string, size: string) => ({
      ...{ call: 'mmap', bar: 0, offset, size, prot: 3, shared: true },
    });
    expect(
      answersTo('region', [
        mmap('0x0', '0x800000000000'),
        mmap('0x800', '0x800000000000'),
        mmap('0x0', '0xffffffffffffffff'),
        mmap('0x0', '0x400000000000'),
        mmap('0x0', '0x0'),
        mmap('0x0', '0x4000'),
        // Region 1, which the device does not have.
        mmap('0x10000000000', '0x4000'),
      ]),
    ).toEqual([
      'ENOMEM',
      'EINVAL',
      'ENOMEM',
      expect.stringMatching(/^not modelled/),
      'EINVAL',
      '0',
      'EINVAL',
    ]);
  });

  it('to flags and argsz on sPAPR TCE depend on whether memory was registered (host facts T1, T2, T6 and G1)', () => {
    const call = (name: string, more: object) => ({ call: name, flags: 0, ...more });
    const block = { vaddr: 'ram+0x0', size: '0x20000' };
    expect(
      answersTo(
        'spapr-tce-v2',
        [
          map('0x0', '0x1000', 'ram+0x0', 8),
          unmap('0x0', '0x1000', 4),
          call('register', { ...block, flags: 1 }),
          call('register', { ...block, argsz: 23 }),
          call('register', block),
          map('0x0', '0x1000', 'ram+0x0', 8),
          map('0x0', '0x1000', 'ram+0x0', 0),
          map('0x0', '0x800', 'ram+0x0', 0),
          unmap('0x0', '0x1000', 4),
          call('register', { vaddr: 'ram+0x3f0000', size: '0x20000' }),
          call('register', { vaddr: 'ram+0x100000', size: '0x40000000000000' }),
          call('register', { vaddr: 'ram+0x100000', size: '0x80000000000' }),
          call('register', { vaddr: 'ram+0x100000', size: '0x7ffffff0000' }),
          call('register', { vaddr: 'ram+0x100000', size: '0x40000000000' }),
          call('unregister', { ...block, flags: 1 }),
          call('create-window', { pageShift: 16, size: '0x10000', levels: 1, flags: 1 }),
          call('create-window', { pageShift: 64, size: '0x10000', levels: 1 }),
          call('create-window', { pageShift: 128, size: '0x10000', levels: 1 }),
          call('remove-window', { start: '0x0', flags: 1 }),
        ],
        { arch: 'ppc64le', pageSize: '0x10000', iommu: 'spapr' },
      ),
    ).toEqual([
      ...['EPERM', 'EPERM unmapped=0x1000', 'EINVAL', 'EINVAL', '0', 'EINVAL', 'EINVAL', 'EINVAL'],
      ...['EINVAL unmapped=0x1000', '1', 'ENOMEM', 'ENOMEM', expect.stringMatching(/^not modelled/), '48'],
      ...['EINVAL', 'EINVAL', 'EINVAL'],
      ...[expect.stringMatching(/^not modelled/), 'EINVAL'],
    ]);
  });

  it('to the unregistering of a block that was unregistered while mapped keep the block for good (host fact D5)', () => {
    const block = { vaddr: 'ram+0x0', size: '0x10000', flags: 0 };
    expect(
      answersTo(
        'spapr-tce-v2',
        [
          { call: 'register', ...block },
          map('0x0', '0x1000'),
          { call: 'unregister', ...block },
          unmap('0x0', '0x1000'),
          { call: 'register', ...block },
          { call: 'unregister', ...block },
          map('0x0', '0x1000'),
          { call: 'register', ...block, size: '0x20000' },
        ],
        { arch: 'ppc64le', pageSize: '0x10000', iommu: 'spapr' },
      ),
    ).toEqual(['0', '0', '0', '0 unmapped=0x1000', '0', '0', '0', 'EINVAL']);
  });

  it('to slots of a second address space depend on how many KVM reports (host fact D17)', () => {
    const second = [slot(0x1_0000, '0x0', '0x1000')];
    const withSpaces = (addressSpaces: number) => answersTo('kvm', second, { info: { addressSpaces } });
    expect([answersTo('kvm', second), withSpaces(2), withSpaces(1), withSpaces(0)]).toEqual([
      ...[['0'], ['0'], ['EINVAL'], ['EINVAL']],
    ]);
    expect(answersTo('kvm', second, { arch: 'aarch64' })).toEqual(['EINVAL']);
  });
});
