import { expect, it } from 'vitest';
import { decodeScenario } from '../scenario/index.ts';
import { isCommandReset, lastWritten, placesWritten } from './bar-history.ts';

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

it('forgets what the guest wrote when the machine is reset or the device plugged', () => {
  const [plug, unplug] = ['hotplug', 'unplug'].map((op) => ({ op, device: 'd' }));
  const last = (...operations: readonly object[]) => lastWritten(scenario('mem64', operations), 'd', 0);
  expect(last(plug!, set('0x180000000'), unplug!, plug!)).toEqual({ address: 0n, byReset: true });
  expect(last(plug!, set('0x180000000'))).toEqual({ address: 0x1_8000_0000n, byReset: false });
  const upper = { ...set('0x3'), bar: 1 };
  for (const clears of [[{ op: 'reset' }], [unplug!, plug!]]) {
    // Without the lower half of before.
    const places = starts('mem64', plug!, set('0x180000000'), ...clears, upper);
    expect(places).toContain(0x3_0000_0000n);
    expect(places).not.toContain(0x3_8000_0000n);
  }
  expect(starts('mem64', set('0x180000000'), upper)).toEqual([
    0n,
    0x8000_0000n,
    0x1_8000_0000n,
    0x3_8000_0000n,
  ]);
  expect(starts('mem32', set('0x80000000'), { op: 'reset' })).toEqual([0n, 0x8000_0000n, 0x8000_0000n, 0n]);
});

const many = (bars: readonly object[], operations: readonly object[] = []) => {
  const devices = [
    { id: 'e', bars: [{ index: 0, size: '0x1000', type: 'mem32' }] },
    { id: 'd', bars },
  ];
  return decodeScenario({
    version: 1,
    machine: { type: 'pc', ram: '0x10000000' },
    host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x1000'] } },
    devices,
    operations,
  });
};

it('knows no register for the upper half of a 64-bit BAR 5', () => {
  const of = (type: string, index: number) =>
    lastWritten(many([{ index, size: '0x1000', type }]), 'd', index);
  expect([of('mem64', 5), of('mem64p', 5)]).toEqual([undefined, undefined]);
  expect([of('mem32', 5), of('mem64', 4)]).toEqual([
    { address: 0n, byReset: true },
    { address: 0n, byReset: true },
  ]);
});

it('looks at the operations on this BAR of this device', () => {
  const bars = [
    { index: 0, size: '0x1000', type: 'mem64p' },
    { index: 2, size: '0x1000', type: 'mem32' },
  ];
  const on = (device: string, bar: number, address: string) => ({ op: 'set-bar', device, bar, address });
  const operations = [
    on('d', 0, '0x100001000'),
    on('e', 0, '0x5000'),
    on('d', 2, '0x6000'),
    { op: 'size-bar', device: 'e', bar: 0 },
    { op: 'size-bar', device: 'd', bar: 2 },
    { op: 'enable-memory', device: 'd' },
  ];
  const given = many(bars, operations);
  expect(lastWritten(given, 'd', 0)).toEqual({ address: 0x1_0000_1000n, byReset: false });
  expect(lastWritten(given, 'd', 2)).toEqual({ address: 0x6000n, byReset: false });
  expect(lastWritten(given, 'x', 0)).toBeUndefined();
  expect(placesWritten(given, 'd', 0, 0x1000n).map(({ start }) => start)).toEqual([
    0n,
    0x1000n,
    0x1_0000_1000n,
  ]);
  // The bits above 32 of what the guest writes into a 32-bit BAR are lost, for the next write too.
  const narrow = many(bars, [on('d', 2, '0x100006000'), on('d', 2, '0x7000')]);
  expect(placesWritten(narrow, 'd', 2, 0x1000n).map(({ start }) => start)).toEqual([
    0n,
    0x6000n,
    0x6000n,
    0x7000n,
    0x7000n,
  ]);
});

it('knows whether a reset wrote COMMAND last, or the guest', () => {
  const enable = { op: 'enable-memory', device: 'd' };
  const replugged = ['unplug', 'hotplug'].map((op) => ({ op, device: 'd' }));
  const isReset = (...operations: readonly object[]) => isCommandReset(scenario('mem32', operations), 'd');
  expect([isReset(), isReset(enable, { op: 'reset' }), isReset(enable, ...replugged)]).toEqual([
    true,
    true,
    true,
  ]);
  expect([isReset(enable), isReset({ op: 'reset' }, enable), isReset(...replugged, enable)]).toEqual([
    false,
    false,
    false,
  ]);
  expect(isCommandReset(scenario('mem32', [enable]), 'e')).toBe(true);
  const ports = scenario('mem32', [{ op: 'enable-io', device: 'd' }]);
  expect([isCommandReset(ports, 'd', 'io'), isCommandReset(ports, 'd')]).toEqual([false, true]);
});
