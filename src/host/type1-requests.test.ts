import { describe, expect, it } from 'vitest';
import { hostAddress, iova, offset } from '../address/index.ts';
import { Errno } from './errno.ts';
import type { DmaMapRequest } from './iommu-container.ts';
import { kernelRules } from './kernels/index.ts';
import type { RequestHeader } from './request-header.ts';
import { requestType1Map, requestType1Unmap } from './type1-requests.ts';
import { Type1Container } from './type1.ts';

const P = 0x1000n;
const TOP = (1n << 64n) - P;
const [READ, WRITE, VADDR] = [1, 2, 4];
const UNMAP = { GET_DIRTY_BITMAP: 1, ALL: 2, VADDR: 4 };
const OLD_MEMORY = hostAddress(0x7f00_0000_0000n);
const NEW_MEMORY = hostAddress(0x7f11_0000_0000n);

const request = (at: bigint, size: bigint, rest: Partial<DmaMapRequest> = {}): DmaMapRequest => ({
  iova: iova(at),
  size,
  hostAddress: OLD_MEMORY,
  readonly: false,
  deviceMemory: false,
  backing: { region: 'ram', owner: undefined, offset: offset(0n) },
  ...rest,
});

/** What a new virtual address asks for: the same range of IOVAs, other memory. */
const moved = (at: bigint, size: bigint): DmaMapRequest =>
  request(at, size, {
    hostAddress: NEW_MEMORY,
    backing: { region: 'moved ram', owner: undefined, offset: offset(0n) },
  });

const containerOn = (kernel: string, version: 1 | 2 = 2): Type1Container =>
  new Type1Container({
    hostPageSize: P,
    domainPageSizes: 0x4020_1000n,
    kernel: kernelRules(kernel),
    version,
  });

/** A container with `[0, 2P)` and `[4P, 5P)` mapped. */
function withTwo(kernel: string, version: 1 | 2 = 2): Type1Container {
  const type1 = containerOn(kernel, version);
  for (const one of [request(0n, 2n * P), request(4n * P, P)]) {
    expect(requestType1Map(type1, one, { flags: READ | WRITE })).toBe(0);
  }
  return type1;
}

const unmap = (type1: Type1Container, at: bigint, size: bigint, header: RequestHeader) =>
  requestType1Unmap(type1, { iova: iova(at), size }, header);

const refused = (errno: Errno) => ({ errno, unmapped: 0n });
const memoryOf = (type1: Type1Container) =>
  type1.mappings().map((one) => [one.iova, one.size, one.hostAddress]);

describe('requestType1Map', () => {
  it.each([
    ['argsz 31 (host fact M2)', { argsz: 31, flags: READ | WRITE }, Errno.EINVAL],
    ['argsz 0 (host fact M2)', { argsz: 0, flags: READ | WRITE }, Errno.EINVAL],
    ['argsz 32, which is the size of the structure (host fact M2)', { argsz: 32, flags: READ | WRITE }, 0],
    ['argsz 33 (host fact M2)', { argsz: 33, flags: READ | WRITE }, 0],
    ['no argsz, which stands for the size of the structure', { flags: READ | WRITE }, 0],
    ['a flag that does not exist (host fact M3)', { flags: 8 | READ }, Errno.EINVAL],
    ['the highest flag (host fact M3)', { flags: 0x8000_0000 }, Errno.EINVAL],
    ['argsz 31 and a flag that does not exist', { argsz: 31, flags: 8 }, Errno.EINVAL],
    ['READ', { flags: READ }, 0],
    ['WRITE', { flags: WRITE }, 0],
    ['no flag (host fact M5)', { flags: 0 }, Errno.EINVAL],
    ['VADDR and READ (host fact M5)', { flags: VADDR | READ }, Errno.EINVAL],
    ['VADDR and WRITE (host fact M5)', { flags: VADDR | WRITE }, Errno.EINVAL],
  ] as const)('answers %s', (_, header, errno) => {
    const type1 = containerOn('6.12');
    expect(requestType1Map(type1, request(0n, P), header)).toBe(errno);
    expect(type1.mappings()).toHaveLength(errno === 0 ? 1 : 0);
  });

  it('knows VADDR since Linux 5.12 (host fact M3)', () => {
    expect(requestType1Map(containerOn('5.11'), moved(0n, P), { flags: VADDR })).toBe(Errno.EINVAL);
    expect(requestType1Map(containerOn('5.12'), moved(0n, P), { flags: VADDR })).toBe(Errno.ENOENT);
  });

  it.each([
    ['no flag', { flags: 0 }],
    ['VADDR and READ', { flags: VADDR | READ }],
  ])('with %s tests for a wrap before the flags since 6.18 (host facts M5 and D1)', (_, header) => {
    const wrap = request(TOP, 2n * P);
    expect(requestType1Map(containerOn('6.17'), wrap, header)).toBe(Errno.EINVAL);
    expect(requestType1Map(containerOn('6.18'), wrap, header)).toBe(Errno.EOVERFLOW);
    expect(requestType1Map(containerOn('6.18'), request(0n, P), header)).toBe(Errno.EINVAL);
  });
});

describe('requestType1Unmap', () => {
  it.each([
    ['argsz 23 (host fact U2)', { argsz: 23, flags: 0 }, refused(Errno.EINVAL)],
    ['argsz 24, which is the size of the structure (host fact U2)', { argsz: 24, flags: 0 }],
    ['argsz 25 (host fact U2)', { argsz: 25, flags: 0 }],
    ['no argsz, which stands for the size of the structure', { flags: 0 }],
    ['a flag that does not exist (host fact U2)', { flags: 8 }, refused(Errno.EINVAL)],
    [
      'argsz 23 and a flag that does not exist (host fact U2)',
      { argsz: 23, flags: 8 },
      refused(Errno.EINVAL),
    ],
    [
      'GET_DIRTY_BITMAP, without tracking (host fact U9)',
      { flags: UNMAP.GET_DIRTY_BITMAP },
      refused(Errno.EINVAL),
    ],
    [
      'GET_DIRTY_BITMAP and VADDR (host fact U3)',
      { flags: UNMAP.GET_DIRTY_BITMAP | UNMAP.VADDR },
      refused(Errno.EINVAL),
    ],
  ] as const)('answers %s', (_, header, answer = { errno: 0, unmapped: 2n * P }) => {
    const type1 = withTwo('6.12');
    expect(unmap(type1, 0n, 2n * P, header)).toEqual(answer);
    expect(type1.mappings()).toHaveLength(answer.errno === 0 ? 1 : 2);
  });

  it('knows ALL and VADDR since Linux 5.12 (host facts U2 and 0.1)', () => {
    const headers = [UNMAP.ALL, UNMAP.VADDR, UNMAP.ALL | UNMAP.VADDR].map((flags) => ({ flags }));
    for (const header of headers) {
      expect(unmap(withTwo('5.11'), 0n, 0n, header)).toEqual(refused(Errno.EINVAL));
      expect(unmap(withTwo('5.11'), 0n, 2n * P, header)).toEqual(refused(Errno.EINVAL));
    }
    const unmapped = [
      unmap(withTwo('5.12'), 0n, 0n, headers[0]!),
      unmap(withTwo('5.12'), 0n, 2n * P, headers[1]!),
    ];
    expect(unmapped).toEqual([
      { errno: 0, unmapped: 3n * P },
      { errno: 0, unmapped: 2n * P },
    ]);
  });

  it.each([
    ['an IOVA', P, 0n],
    ['a size', 0n, P],
    ['an IOVA and a size', P, P],
  ])('refuses ALL with %s, also together with VADDR (host fact U7)', (_, at, size) => {
    for (const flags of [UNMAP.ALL, UNMAP.ALL | UNMAP.VADDR]) {
      const type1 = withTwo('6.12');
      expect(unmap(type1, at, size, { flags })).toEqual(refused(Errno.EINVAL));
      expect(type1.mappings()).toHaveLength(2);
    }
  });

  it('with ALL removes every mapping, and with 0 bytes but without ALL none (host facts R1.5.1 and U8)', () => {
    const type1 = withTwo('6.12');
    expect(unmap(type1, 0n, 0n, { flags: 0 })).toEqual(refused(Errno.EINVAL));
    expect(unmap(type1, 0n, 0n, { flags: UNMAP.ALL })).toEqual({ errno: 0, unmapped: 3n * P });
    expect(type1.mappings()).toEqual([]);
  });
});

// 6.12 finds mappings in its tree, 7.2 finds every mapping: away from 2^64 their answers are the same.
describe.each(['6.12', '7.2'])(
  'a virtual address that the VMM gives up and replaces, on Linux %s',
  (kernel) => {
    const GIVES_UP = { flags: UNMAP.VADDR };
    const REPLACES = { flags: VADDR };

    it('leaves the mapping in place, and then the mapping has the new memory (host facts M9 and R1.5.4)', () => {
      const type1 = withTwo(kernel);
      const before = memoryOf(type1);
      expect(unmap(type1, 0n, 2n * P, GIVES_UP)).toEqual({ errno: 0, unmapped: 2n * P });
      expect(memoryOf(type1)).toEqual(before);
      expect(requestType1Map(type1, moved(0n, 2n * P), REPLACES)).toBe(0);
      expect(type1.mappings()).toMatchObject([
        { iova: 0n, size: 2n * P, hostAddress: NEW_MEMORY, backing: { region: 'moved ram' } },
        { iova: 4n * P, size: P, hostAddress: OLD_MEMORY, backing: { region: 'ram' } },
      ]);
    });

    it.each([
      ['where nothing is mapped (host fact M9)', 8n * P, P, Errno.ENOENT],
      ['of the first page of a mapping (host fact M9)', 0n, P, Errno.EINVAL],
      ['of the last page of a mapping (host fact M9)', P, P, Errno.EINVAL],
      ['of more than a mapping (host fact M9)', 0n, 3n * P, Errno.EINVAL],
      ['of as many bytes from the middle of a mapping on (host fact M9)', P, 2n * P, Errno.EINVAL],
      ['of a mapping whose address is in use (host fact M9)', 4n * P, P, Errno.EINVAL],
      ['of 0 bytes (host fact M6)', 0n, 0n, Errno.EINVAL],
      ['at an IOVA off the page (host fact M7)', 0x800n, P, Errno.EINVAL],
    ])('cannot be replaced %s', (_, at, size, errno) => {
      const type1 = withTwo(kernel);
      const before = memoryOf(type1);
      expect(unmap(type1, 0n, 2n * P, GIVES_UP).errno).toBe(0);
      expect(requestType1Map(type1, moved(at, size), REPLACES)).toBe(errno);
      expect(memoryOf(type1)).toEqual(before);
      // The refused call has used up nothing.
      expect(requestType1Map(type1, moved(0n, 2n * P), REPLACES)).toBe(0);
    });

    it('is in use again once it is replaced (host fact M9)', () => {
      const type1 = withTwo(kernel);
      expect(unmap(type1, 0n, 2n * P, GIVES_UP).errno).toBe(0);
      expect(requestType1Map(type1, moved(0n, 2n * P), REPLACES)).toBe(0);
      expect(requestType1Map(type1, moved(0n, 2n * P), REPLACES)).toBe(Errno.EINVAL);
      expect(unmap(type1, 0n, 2n * P, GIVES_UP)).toEqual({ errno: 0, unmapped: 2n * P });
    });

    it('is not looked at by the kernel: also a hole can replace it (host fact M9)', () => {
      const type1 = withTwo(kernel);
      expect(unmap(type1, 4n * P, P, GIVES_UP).errno).toBe(0);
      expect(requestType1Map(type1, { ...moved(4n * P, P), unusable: true }, REPLACES)).toBe(0);
    });

    it('cannot be given up twice: the call fails and gives up no other either (host fact R1.5.4)', () => {
      const type1 = withTwo(kernel);
      expect(unmap(type1, 4n * P, P, GIVES_UP)).toEqual({ errno: 0, unmapped: P });
      expect(unmap(type1, 0n, 8n * P, GIVES_UP)).toEqual(refused(Errno.EINVAL));
      expect(unmap(type1, 0n, 0n, { flags: UNMAP.VADDR | UNMAP.ALL })).toEqual(refused(Errno.EINVAL));
      expect(requestType1Map(type1, moved(0n, 2n * P), REPLACES)).toBe(Errno.EINVAL);
      expect(requestType1Map(type1, moved(4n * P, P), REPLACES)).toBe(0);
    });

    it('is given up for all mappings by VADDR with ALL (host fact R1.5.4)', () => {
      const type1 = withTwo(kernel);
      expect(unmap(type1, 0n, 0n, { flags: UNMAP.VADDR | UNMAP.ALL })).toEqual({
        errno: 0,
        unmapped: 3n * P,
      });
      expect(type1.mappings()).toHaveLength(2);
      expect(requestType1Map(type1, moved(0n, 2n * P), REPLACES)).toBe(0);
      expect(requestType1Map(type1, moved(4n * P, P), REPLACES)).toBe(0);
    });

    it('goes with the mapping: one that is unmapped and mapped again has its address in use', () => {
      const type1 = withTwo(kernel);
      expect(unmap(type1, 4n * P, P, GIVES_UP).errno).toBe(0);
      expect(unmap(type1, 4n * P, P, { flags: 0 })).toEqual({ errno: 0, unmapped: P });
      expect(requestType1Map(type1, request(4n * P, P), { flags: READ })).toBe(0);
      expect(requestType1Map(type1, moved(4n * P, P), REPLACES)).toBe(Errno.EINVAL);
    });

    it.each([
      ['0 bytes (host fact U8)', 0n, 0n],
      ['an IOVA off the page (host fact U6)', 0x800n, P],
      ['a range that cuts a mapping at its start (host fact U10)', P, P],
      ['a range that cuts a mapping at its end (host fact U11)', 0n, P],
    ])('is not given up by %s', (_, at, size) => {
      const type1 = withTwo(kernel);
      expect(unmap(type1, at, size, GIVES_UP)).toEqual(refused(Errno.EINVAL));
      expect(requestType1Map(type1, moved(0n, 2n * P), REPLACES)).toBe(Errno.EINVAL);
    });

    it('is given up in version 1 by a range that ends inside of the mapping (host facts R1.5.3 and R1.5.4)', () => {
      const type1 = withTwo(kernel, 1);
      expect(unmap(type1, 0n, P, GIVES_UP)).toEqual({ errno: 0, unmapped: 2n * P });
      expect(unmap(type1, P, 4n * P, GIVES_UP)).toEqual({ errno: 0, unmapped: 0n });
      expect(requestType1Map(type1, moved(0n, 2n * P), REPLACES)).toBe(0);
    });
  },
);
