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

  it('to calls on type1 that are not modelled give the reason and change nothing', () => {
    const answers = answersTo('type1v2', [
      map('0x10000', '0x1000', 'hole+0x0'),
      map('0x10000', '0x1000', 'readonly+0x0'),
      map('0x10000', '0x1000', 'ram+0x0', 7),
      { ...map('0x10000', '0x1000'), argsz: 31 },
      unmap('0x10000', '0x1000', 4),
      { call: 'decode', on: true },
      map('0x10000', '0x1001', 'hole+0x0'),
      map('0x10000', '0x1000', 'readonly+0x0', 1),
      map('0x20000', '0x200000', 'ram+0x300000', 1),
    ]);
    expect(answers.slice(0, 6)).toEqual(
      Array.from({ length: 6 }, () => expect.stringMatching(/^not modelled: /)),
    );
    // The kernel looks at the memory after all other checks. Two adjacent areas count as one memory.
    expect(answers.slice(6)).toEqual(['EINVAL', '0', '0']);
  });

  it('to maps of a BAR depend on the memory decode', () => {
    const info = { device: { open: true, bars: [{ index: 0, size: '0x4000', type: 'mem64' }] } };
    const toBar = map('0x10000', '0x1000', 'bar0+0x0');
    expect(
      answersTo('type1v2', [{ call: 'decode', on: false }, toBar, { call: 'decode', on: true }, toBar], {
        info,
      }),
    ).toEqual([...Array.from({ length: 3 }, () => expect.stringMatching(/^not modelled/)), '0']);
  });

  it('to KVM_SET_USER_MEMORY_REGION are those of KvmMemslots, with the errno of the architecture', () => {
    const calls = [
      slot(0, '0x0', '0x10000'),
      slot(1, '0x8000', '0x10000'),
      slot(1, '0xffffff0000', '0x20000'),
      slot(0x10001, '0x0', '0x10000'),
      slot(0, '0x0', '0x0'),
      slot(0, '0x0', '0x1000', 'abs+0x8000000000000000'),
    ];
    const arm = { arch: 'aarch64', iommu: 'virtio-granule-4k' };
    expect(answersTo('kvm', calls).slice(0, 5)).toEqual(['0', 'EEXIST', 'EINVAL', '0', '0']);
    // Address spaces: x86 has two, arm64 has one (host fact D17). User space ends below 2^63 (host fact D16).
    expect(answersTo('kvm', calls, arm)).toEqual(['0', 'EEXIST', 'EFAULT', 'EINVAL', '0', 'EINVAL']);
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
      expect.stringMatching(/^not modelled/),
      '0',
      expect.stringMatching(/^not modelled/),
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
      ...['EPERM', '0', expect.stringMatching(/^not modelled/), '0'],
      ...['0 start=0x800000000000000', 'ENOSPC', '0', 'ENXIO unmapped=0x1000'],
    ]);
  });

  it('to calls on iommufd refuse the mmap of a BAR, and are missing after a detach', () => {
    const info = { device: { open: true, bars: [{ index: 0, size: '0x4000', type: 'mem64' }] } };
    const ioasMap = (vaddr: string, flags = 7) => ({
      call: 'ioas-map',
      iova: '0x10000',
      size: '0x1000',
      vaddr,
      flags,
    });
    const ioasUnmap = { call: 'ioas-unmap', iova: '0x10000', size: '0x1000' };
    expect(
      answersTo(
        'iommufd',
        [
          ioasMap('bar0+0x0'),
          ioasMap('ram+0x0', 6),
          ioasMap('ram+0x0'),
          ioasUnmap,
          ioasUnmap,
          { call: 'detach' },
          ioasUnmap,
        ],
        { info },
      ),
    ).toEqual([
      ...['EFAULT', expect.stringMatching(/I12/), '0 mapped=0x10000'],
      ...['0 unmapped=0x1000', 'ENOENT unmapped=0x1000'],
      ...[expect.stringMatching(/^not modelled/), expect.stringMatching(/^not modelled/)],
    ]);
  });
});
