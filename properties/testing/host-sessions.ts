import fc from 'fast-check';
import { hex } from '../../src/address/index.ts';
import { decodeSession } from '../../src/linux/session/decode-session.ts';
import type { HostSession } from '../../src/linux/session/host-session.ts';

/** The host that generated sessions are made for. */
export interface GeneratedHost {
  readonly kernel: string;
  readonly arch: string;
  readonly pageSize: bigint;
  readonly iommu: string;
}

const END = 1n << 64n;

/** A number of bytes: a few pages, now and then with a remainder, nothing, or much. */
const sizes = (page: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(
    { weight: 10, arbitrary: fc.integer({ min: 1, max: 8 }).map((pages) => BigInt(pages) * page) },
    { weight: 1, arbitrary: fc.constantFrom(0n, page / 2n, page + 1n, 3n * page - 1n) },
    { weight: 1, arbitrary: fc.constantFrom(1n << 21n, 1n << 22n, 1n << 30n, 1n << 47n, END - page) },
  );

/** Addresses near each other, so that ranges overlap and touch, and those around which hosts change their mind. */
const addresses = (page: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.integer({ min: 0, max: 24 }).map((pages) => 0x4000_0000n + BigInt(pages) * page),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(
          fc.constantFrom(
            0xfee0_0000n,
            0xfef0_0000n,
            0x800_0000n,
            0x80a_0000n,
            1n << 39n,
            1n << 40n,
            1n << 48n,
            END,
          ),
          fc.integer({ min: -3, max: 3 }),
        )
        .map(([edge, pages]) => BigInt.asUintN(64, edge + BigInt(pages) * page)),
    },
    { weight: 1, arbitrary: fc.constantFrom(0n, page / 2n, 0x4000_0800n, 0x8000_0000_0000_0000n) },
  );

/** Memory that is there, and now and then memory that is not. */
const places = (page: bigint): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.oneof(
        { weight: 12, arbitrary: fc.constant('ram') },
        { weight: 2, arbitrary: fc.constantFrom('bar0', 'readonly') },
        { weight: 1, arbitrary: fc.constantFrom('hole', 'noaccess') },
      ),
      fc.integer({ min: 0, max: 40 }),
      fc.oneof(
        { weight: 9, arbitrary: fc.constant(0n) },
        { weight: 1, arbitrary: fc.constantFrom(1n, page / 2n) },
      ),
    )
    .map(
      ([area, pages, more]) => `${area}+${hex(BigInt(area === 'bar0' ? pages % 4 : pages) * page + more)}`,
    );

const mapFlags = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(1, 2, 3) },
  { weight: 1, arbitrary: fc.constantFrom(0, 4, 8) },
);

function type1Calls(page: bigint): fc.Arbitrary<object> {
  const range = { iova: addresses(page).map(hex), size: sizes(page).map(hex) };
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ call: fc.constant('map'), ...range, vaddr: places(page), flags: mapFlags }),
    },
    { weight: 4, arbitrary: fc.record({ call: fc.constant('unmap'), ...range, flags: fc.constant(0) }) },
    {
      weight: 1,
      // Up to the last address (host fact D2).
      arbitrary: fc
        .integer({ min: 0, max: 24 })
        .map((pages) => 0x4000_0000n + BigInt(pages) * page)
        .map((start) => ({ call: 'unmap', iova: hex(start), size: hex(END - start), flags: 0 })),
    },
    { weight: 1, arbitrary: fc.constant({ call: 'info' }) },
    { weight: 1, arbitrary: fc.constant({ call: 'unmap-all', iova: '0x0', size: '0x0', flags: 2 }) },
  );
}

function memslotCalls(page: bigint): fc.Arbitrary<object> {
  return fc.record({
    call: fc.constant('memslot'),
    slot: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 0, max: 5 }) },
      { weight: 1, arbitrary: fc.constantFrom(32763, 32764, 32767, 32768, 0x10000) },
    ),
    flags: fc.oneof(
      { weight: 6, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.integer({ min: 0, max: 4 }) },
    ),
    gpa: addresses(page).map(hex),
    size: fc.oneof({ weight: 6, arbitrary: sizes(page) }, { weight: 1, arbitrary: fc.constant(0n) }).map(hex),
    uaddr: places(page),
  });
}

function regionCalls(page: bigint): fc.Arbitrary<object> {
  const bar = fc.constantFrom(0, 0, 2, 4, 1, 7);
  return fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        ...{
          call: fc.constant('mmap'),
          bar,
          prot: fc.constantFrom(1, 3),
          shared: fc.constantFrom(true, true, false),
        },
        offset: fc.integer({ min: 0, max: 9 }).map((half) => hex((BigInt(half) * page) / 2n)),
        size: sizes(page).map(hex),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        ...{ call: fc.constant('region-info'), index: bar },
        argsz: fc.constantFrom(32, 39, 40, 48, 256),
      }),
    },
  );
}

/** Devices with a table in the middle of a BAR, and with BARs below a page. */
const DEVICES = [
  {
    bars: [
      { index: 0, size: '0x10000', type: 'mem64', prefetch: true },
      { index: 2, size: '0x800', type: 'mem32' },
      { index: 4, size: '0x20', type: 'io' },
    ],
    msix: { vectors: 16, table: { bir: 0, offset: '0x5200' }, pba: { bir: 0, offset: '0xd600' } },
  },
  {
    bars: [
      { index: 0, size: '0x1000', type: 'mem32' },
      { index: 2, size: '0x800', type: 'mem32' },
      { index: 4, size: '0x400', type: 'mem32' },
    ],
    msix: { vectors: 4, table: { bir: 2, offset: '0x0' }, pba: { bir: 4, offset: '0x0' } },
  },
] as const;

const containers = ['type1v2', 'type1', 'kvm', 'region'] as const;

const devices = (container: (typeof containers)[number], page: bigint): fc.Arbitrary<object> => {
  const open = container !== 'kvm';
  if (container === 'region') return fc.constantFrom(...DEVICES.map((device) => ({ open, ...device })));
  return fc.constant({ open, bars: [{ index: 0, size: hex(4n * page), type: 'mem64' }] });
};

/** Sessions of 10 to 40 calls, biased to edges. */
export const hostSessions = ({ kernel, arch, pageSize, iommu }: GeneratedHost): fc.Arbitrary<HostSession> =>
  fc
    .constantFrom<(typeof containers)[number]>('type1v2', 'type1v2', 'type1', 'kvm', 'kvm', 'region')
    .chain((container) => {
      const call = container === 'kvm' ? memslotCalls : container === 'region' ? regionCalls : type1Calls;
      return fc.record({
        container: fc.constant(container),
        info: fc.record({
          device: devices(container, pageSize),
          ...(container.startsWith('type1') ? { dmaEntryLimit: fc.constantFrom(65535, 65535, 3) } : {}),
        }),
        calls: fc.array(call(pageSize), { minLength: 10, maxLength: 40 }),
      });
    })
    .map((session) => decodeSession({ kernel, arch, pageSize: hex(pageSize), iommu, ...session }));
