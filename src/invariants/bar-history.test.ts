import { expect, it } from 'vitest';
import { decodeScenario } from '../scenario/index.ts';
import { lastWritten, placesWritten } from './bar-history.ts';

const scenario = (type: string, operations: readonly object[]) =>
  decodeScenario({
    version: 1,
    machine: { type: 'pc', ram: '0x10000000' },
    host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x1000'] } },
    devices: [{ id: 'd', bars: [{ index: 0, size: '0x80000000', type }] }],
    operations,
  });

const set = (address: string) => ({ op: 'set-bar', device: 'd', bar: 0, address });
const starts = (type: string, ...operations: readonly object[]) =>
  placesWritten(scenario(type, operations), 'd', 0, 0x8000_0000n).map(({ start }) => start);

it.each([
  ['a 32-bit BAR', 'mem32', [set('0x80000000')], [0n, 0x8000_0000n, 0x8000_0000n]],
  [
    'a 64-bit BAR between the writes of its halves',
    'mem64',
    [set('0x180000000'), set('0x200000000')],
    [0n, 0x8000_0000n, 0x1_8000_0000n, 0x1_0000_0000n, 0x2_0000_0000n],
  ],
  [
    'a 64-bit BAR that the guest sizes, half by half',
    'mem64',
    [set('0x80000000'), { op: 'size-bar', device: 'd', bar: 0 }],
    [0n, 0x8000_0000n, 0x8000_0000n, 0x8000_0000n, 0xffff_ffff_8000_0000n],
  ],
])('the guest puts %s where the list says', (_, type, operations, places) => {
  expect(starts(type, ...operations)).toEqual(places);
});

it('a BAR that the device does not have is nowhere', () => {
  expect(placesWritten(scenario('mem32', []), 'd', 3, 0x1000n)).toEqual([]);
  expect(placesWritten(scenario('mem32', []), 'e', 0, 0x1000n)).toEqual([]);
});

it('knows what a register holds in the end, and whether the guest or a reset wrote it', () => {
  const last = (type: string, ...operations: readonly object[]) =>
    lastWritten(scenario(type, operations), 'd', 0);
  expect(last('mem32')).toEqual({ address: 0n, byReset: true });
  expect(last('mem32', set('0x180000000'))).toEqual({ address: 0x8000_0000n, byReset: false });
  expect(last('mem64', set('0x180000000'))).toEqual({ address: 0x1_8000_0000n, byReset: false });
  expect(last('mem32', set('0x80000000'), { op: 'reset' })).toEqual({ address: 0n, byReset: true });
  expect(lastWritten(scenario('mem32', []), 'd', 3)).toBeUndefined();
});

it('knows the upper half of a 64-bit BAR, which the guest may write alone', () => {
  const upper = { ...set('0x300000002'), bar: 1 };
  const last = (type: string, ...operations: readonly object[]) =>
    lastWritten(scenario(type, operations), 'd', 0);
  expect(last('mem64', upper)).toEqual({ address: 0x2_0000_0000n, byReset: false });
  expect(last('mem64', set('0x180000000'), upper)).toEqual({ address: 0x2_8000_0000n, byReset: false });
  expect(last('mem64', upper, set('0x180000000'))).toEqual({ address: 0x1_8000_0000n, byReset: false });
  expect(last('mem64', upper, { op: 'reset' })).toEqual({ address: 0n, byReset: true });
  expect(last('mem32', upper)).toEqual({ address: 0n, byReset: true });
  expect(starts('mem64', set('0x180000000'), upper)).toContain(0x2_8000_0000n);
  expect(starts('mem64', set('0x180000000'), { op: 'size-bar', device: 'd', bar: 1 })).toContain(
    0xffff_ffff_8000_0000n,
  );
  expect(starts('mem32', set('0x80000000'), upper)).not.toContain(0x2_8000_0000n);
});
