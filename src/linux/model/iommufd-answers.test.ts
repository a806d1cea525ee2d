import { describe, expect, it } from 'vitest';
import { answerText } from '../../report/host-session-text.ts';
import { decodeSession } from '../session/decode-session.ts';
import { answerOnModel } from './model-answers.ts';

const P = 0x1000n;
const text = (value: bigint): string => `0x${value.toString(16)}`;
const BARS = [
  { index: 0, size: '0x4000', type: 'mem64', start: '0x8000000000' },
  { index: 2, size: '0x800', type: 'mem32', start: '0xfe000000' },
  { index: 4, size: '0x20', type: 'io', start: '0x1000' },
];
const answersTo = (calls: readonly object[], info: object = {}, kernel = '7.3'): string[] =>
  answerOnModel(
    decodeSession({ container: 'iommufd', kernel, calls, info: { device: { bars: BARS }, ...info } }),
  ).map(answerText);

const map = (iova: bigint, vaddr = 'ram+0x0', flags = 7, size = P) => ({
  ...{ call: 'ioas-map', iova: text(iova), size: text(size), vaddr, flags },
});
const unmap = (iova: bigint, size = P) => ({ call: 'ioas-unmap', iova: text(iova), size: text(size) });
const exported = (ranges: readonly (readonly [bigint, bigint])[], more: object = {}) => ({
  ...{ call: 'export-dma-buf', name: 'a', bar: 0, flags: 0 },
  ranges: ranges.map((range) => range.map(text)),
  ...more,
});
const mapFile = (iova: bigint, more: object = {}) => ({
  ...{ call: 'ioas-map-file', name: 'a', start: '0x0', size: text(P), iova: text(iova), flags: 7 },
  ...more,
});
const decode = (on: boolean) => ({ call: 'decode', on });
const [attach, detach] = [{ call: 'attach' }, { call: 'detach' }];
const ranges = (count: number) => ({ call: 'ioas-iova-ranges', count });

describe('the answers of the model on iommufd', () => {
  it('to maps test the flags first, and refuse the mmap of a BAR (host facts I1 to I3, I14)', () => {
    const calls = [
      map(P, 'ram+0x0', 15),
      map(P, 'ram+0x0', 1),
      map(P, 'bar0+0x0'),
      map(P),
      unmap(P),
      unmap(P),
    ];
    expect(answersTo(calls)).toEqual([
      ...['EOPNOTSUPP', 'EINVAL', 'EFAULT', '0 mapped=0x1000', '0 unmapped=0x1000', 'ENOENT unmapped=0x1000'],
    ]);
  });

  it('to maps without a fixed IOVA choose one (host facts I12 and R2.2.7)', () => {
    const anywhere = (vaddr: string, size = P) => map(0n, vaddr, 6, size);
    expect(answersTo([anywhere('ram+0x0'), anywhere('ram+0x0'), anywhere('ram+0x0', 4n * P)])).toEqual([
      ...['0 mapped=0x1000', '0 mapped=0x2000', '0 mapped=0x4000'],
    ]);
    expect(answersTo([anywhere('abs+0x0', 1n << 63n), anywhere('ram+0x800')])).toEqual([
      'EOVERFLOW',
      'EINVAL',
    ]);
  });

  it('to requests with a short size are EINVAL (host facts R2.2.10, R2.4.3 and R11.4)', () => {
    const short = [
      { ...map(P), argsz: 39 },
      { ...unmap(P), argsz: 23 },
      { ...ranges(8), argsz: 31 },
      { ...exported([[0n, P]]), argsz: 23 },
      { ...mapFile(P), argsz: 39 },
      { ...attach, argsz: 11 },
      { ...detach, argsz: 7 },
    ];
    expect(answersTo(short).map((answer) => answer.split(' ')[0])).toEqual(short.map(() => 'EINVAL'));
  });

  it('to ioas-iova-ranges are those of the domain while it is attached (host fact R2.4.1)', () => {
    const info = {
      pageSizes: '0x40201000',
      iovaRanges: [
        ['0x0', '0xfff'],
        ['0x2000', '0xffff'],
      ],
    };
    expect(answersTo([ranges(2), ranges(1), detach, ranges(1), ranges(0)], info)).toEqual([
      '0 needed=2 alignment=0x1000 ranges=[["0x0","0xfff"],["0x2000","0xffff"]]',
      'EMSGSIZE needed=2 alignment=0x1000 ranges=[["0x0","0xfff"]]',
      '0',
      '0 needed=1 alignment=0x1 ranges=[["0x0","0xffffffffffffffff"]]',
      'EMSGSIZE needed=1 alignment=0x1 ranges=[]',
    ]);
  });

  it('to attach depend on what was mapped while nothing was attached (host fact R2.4.2)', () => {
    const failing = (bad: object, undo: object) =>
      answersTo([bad, attach, ranges(0), undo, attach, attach], { attached: false }).map(
        (answer) => answer.split(' ')[0],
      );
    const after = (errno: string) => ['0', errno, 'EMSGSIZE', '0', '0', '0'];
    expect(failing(map(0x1001n), unmap(0x1001n))).toEqual(after('EADDRINUSE'));
    expect(failing(map(0xfee0_0000n), unmap(0xfee0_0000n))).toEqual(after('EADDRINUSE'));
    expect(failing(map(P, 'ram+0x1'), unmap(P))).toEqual(after('EADDRINUSE'));
    expect(failing(map(P, 'hole+0x0'), unmap(P))).toEqual(after('EFAULT'));
    expect(failing(map(P, 'bar0+0x0'), unmap(P))).toEqual(after('EFAULT'));
    expect(failing(map(1n, 'hole+0x0'), unmap(1n))).toEqual(after('EADDRINUSE'));
  });

  it('to export-dma-buf want whole pages of one memory BAR (host facts B1 to B3 and R11.2 to R11.4)', () => {
    const cases: readonly (readonly [object, string])[] = [
      [exported([[0n, 4n * P]]), '0'],
      [
        exported([
          [P, P],
          [0n, P],
        ]),
        '0',
      ],
      [exported([]), 'EINVAL'],
      [exported([[0n, P]], { flags: 1 }), 'EINVAL'],
      [exported([], { bar: 6 }), 'EINVAL'],
      [exported([[0n, 1n]], { bar: 6 }), 'ENODEV'],
      [exported([[0n, 1n]], { bar: 1 }), 'ENODEV'],
      [exported([[0n, P]], { bar: 4 }), 'EINVAL'],
      [exported([[0n, P]], { bar: 2 }), 'EINVAL'],
      [exported([[0n, 0n]]), 'EINVAL'],
      [exported([[0x800n, P]]), 'EINVAL'],
      [exported([[P, 4n * P]]), 'EINVAL'],
      [exported([[2n ** 64n - P, P]]), 'EOVERFLOW'],
      [exported([[2n ** 64n - P, 2n ** 63n]]), 'EINVAL'],
    ];
    expect(answersTo(cases.map(([call]) => call))).toEqual(cases.map(([, answer]) => answer));
    expect(answersTo([exported([[0n, P]])], {}, '6.18')).toEqual(['ENOTTY']);
  });

  it('to ioas-map-file look at the dma-buf before the IOVA (host facts B4 to B9 and R11.1)', () => {
    expect(
      answersTo([
        mapFile(P),
        exported([[0n, 2n * P]]),
        mapFile(P),
        mapFile(P),
        mapFile(0x800n, { start: text(2n * P) }),
        decode(false),
        mapFile(P),
        mapFile(P, { start: text(2n * P) }),
        detach,
        attach,
        decode(true),
        mapFile(P),
        unmap(P),
        mapFile(P, { start: text(P) }),
        exported([
          [0n, P],
          [P, P],
        ]),
        mapFile(0x800n),
        mapFile(0x800n, { name: 'never' }),
        mapFile(P, { start: text(2n ** 64n - P) }),
        mapFile(P, { start: text(2n ** 64n - P), size: text(2n * P) }),
      ]),
    ).toEqual([
      ...['EBADF', '0', '0 mapped=0x1000', 'EEXIST', 'EINVAL', '0', 'ENODEV', 'EINVAL'],
      ...['0', '0', '0', 'EEXIST', '0 unmapped=0x1000', '0 mapped=0x1000', '0', 'EOPNOTSUPP', 'EBADF'],
      ...['EINVAL', 'EOVERFLOW'],
    ]);
  });

  it('to ioas-map-file of no descriptor still test flags and lengths first (host fact R11.1)', () => {
    const calls = [
      mapFile(P, { name: 'never', flags: 8 }),
      mapFile(P, { name: 'never', flags: 1 }),
      mapFile(P, { name: 'never', size: '0x0' }),
      mapFile(P, { name: 'never', start: '0xffffffffffffffff', size: '0x2' }),
      mapFile(2n ** 64n - 1n, { name: 'never' }),
    ];
    expect(answersTo(calls)).toEqual(['EOPNOTSUPP', 'EINVAL', 'EINVAL', 'EOVERFLOW', 'EOVERFLOW']);
  });

  it('on a device whose file is not open are EBADF', () => {
    const info = { attached: false, device: { open: false, bars: BARS } };
    const calls = [attach, detach, exported([[0n, P]]), decode(true), map(1n)];
    expect(answersTo(calls, info)).toEqual(['EBADF', 'EBADF', 'EBADF', 'EBADF', '0 mapped=0x1']);
    expect(() => answersTo([], { device: { open: false } })).toThrow('info.attached: expected false');
  });
});
