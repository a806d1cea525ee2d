import { describe, expect, it } from 'vitest';
import { fingerprintText, FingerprintSet, violationsOf } from '../invariants/index.ts';
import { decodeScenario } from '../scenario/index.ts';
import type { Trace } from '../trace/index.ts';
import type { AccessEvent } from '../vfio/index.ts';
import { runOnModel } from './model-target.ts';
import { findAnyRevision } from './revisions.ts';

const ROM_AT = 0xe100_0000n;
const SET_ROM = { op: 'set-rom', device: 'dev0', address: '0xe1000000' };
const DISABLED = { ...SET_ROM, enabled: false };
const ENABLE = { op: 'enable-memory', device: 'dev0' };
const read = (offset: string, width = 4, write = false) => ({
  ...{ op: 'access-bar', device: 'dev0', bar: 6 },
  ...{ offset, width, write },
});

/** Runs a device with a BAR and, unless `device` says otherwise, a ROM of 64 KiB. */
function run(operations: readonly object[], device: object = {}, iommu = 'type1'): Trace {
  const scenario = decodeScenario({
    version: 1,
    machine: { type: 'q35', ram: '0x10000000' },
    revision: 'qemu-11.1',
    host: { kernel: '6.12', iommu: { type: iommu, pageSizes: ['0x1000'] } },
    devices: [
      {
        id: 'dev0',
        bars: [{ index: 0, size: '0x1000', type: 'mem32' }],
        rom: { size: '0x10000' },
        ...device,
      },
    ],
    operations: [{ op: 'set-bar', device: 'dev0', bar: 0, address: '0xe0000000' }, ...operations],
  });
  return runOnModel(scenario, findAnyRevision('qemu-11.1')!);
}

/** Where the regions of ROMs lie after the last operation. */
const romsOf = ({ steps }: Trace): readonly string[] =>
  steps
    .at(-1)!
    .state.flatView.flatMap(({ start, end, region }) =>
      region.owner !== undefined && region.name.endsWith('.rom')
        ? [`${region.name} ${start.toString(16)}+${(end - start).toString(16)}`]
        : [],
    );

const AT_ROM = ['vfio[dev0].rom e1000000+10000'];

const reachedBy = (trace: Trace): readonly string[] =>
  trace.steps
    .flatMap(({ events }) => events.filter((event): event is AccessEvent => event.type === 'access'))
    .flatMap(({ parts }) =>
      parts.map(({ address, size, reached }) => `${(address - ROM_AT).toString(16)}+${size} ${reached.kind}`),
    );

describe('an expansion ROM', () => {
  it('answers while memory and its own enable bit are enabled', () => {
    expect(romsOf(run([SET_ROM]))).toEqual([]);
    expect(romsOf(run([SET_ROM, ENABLE]))).toEqual(AT_ROM);
    expect(romsOf(run([ENABLE, SET_ROM]))).toEqual(AT_ROM);
    expect(romsOf(run([DISABLED, ENABLE]))).toEqual([]);
    expect(romsOf(run([SET_ROM, ENABLE, DISABLED]))).toEqual([]);
    expect(romsOf(run([SET_ROM, ENABLE, { op: 'disable-memory', device: 'dev0' }]))).toEqual([]);
  });

  it('moves, and leaves with a reset and with the device', () => {
    const moved = { ...SET_ROM, address: '0xe1010000' };
    expect(romsOf(run([SET_ROM, ENABLE, moved]))).toEqual(['vfio[dev0].rom e1010000+10000']);
    expect(romsOf(run([SET_ROM, ENABLE, { op: 'reset' }, ENABLE]))).toEqual([]);
    expect(romsOf(run([SET_ROM, ENABLE, { op: 'unplug', device: 'dev0' }]))).toEqual([]);
  });

  it('keeps its place while the guest sizes it, and shows its size', () => {
    const trace = run([SET_ROM, ENABLE, { op: 'size-bar', device: 'dev0', bar: 6 }]);
    expect(romsOf(trace)).toEqual(AT_ROM);
    const sized = trace.steps.at(-1)!.events.find(({ type }) => type === 'bar-sized');
    expect(sized).toMatchObject({ bar: 6, wrote: 0xffff_f800n, read: 0xffff_0000n });
  });

  it('is hidden by the user, and by QEMU where to read it hangs the host', () => {
    const broadcom = { vendor: '0x14e4', device: '0x168e' };
    expect(romsOf(run([SET_ROM, ENABLE], { options: { rombar: false } }))).toEqual([]);
    expect(romsOf(run([SET_ROM, ENABLE], broadcom))).toEqual([]);
    expect(romsOf(run([SET_ROM, ENABLE], { ...broadcom, options: { rombar: true } }))).toEqual(AT_ROM);
  });

  it('is read through the VMM by 4 bytes at most, and not written', () => {
    const at = (...accesses: readonly object[]) => reachedBy(run([SET_ROM, ENABLE, ...accesses]));
    expect(at(read('0xfffc'))).toEqual(['fffc+4 device']);
    expect(at(read('0x8', 8))).toEqual(['8+4 device', 'c+4 device']);
    expect(at(read('0x8', 4, true))).toEqual(['8+4 nothing']);
  });

  it('gives what the host lets be read and nothing else', () => {
    const empty = { rom: { size: '0x10000', contents: '0x0' } };
    expect(reachedBy(run([SET_ROM, ENABLE, read('0x0')], empty))).toEqual(['0+4 nothing']);
    const part = { rom: { size: '0x10000', contents: '0x7ffe' } };
    expect(reachedBy(run([SET_ROM, ENABLE, read('0x7ffc')], part, 'vfio-user'))).toEqual([
      '7ffc+2 device',
      '7ffe+2 nothing',
    ]);
  });

  it('of a file is memory that the guest reads directly and devices may only read', () => {
    const file = { options: { romfile: '0x9200' } };
    const trace = run([SET_ROM, ENABLE, read('0x8'), read('0x8', 4, true)], file);
    expect(romsOf(trace)).toEqual(['vfio-cpr-pci.rom e1000000+10000']);
    expect(reachedBy(trace)).toEqual(['8+4 memory', '8+4 nothing']);
    const { memslots, containers } = trace.steps.at(-1)!.state;
    expect(memslots.find(({ gpa }) => gpa === ROM_AT)).toMatchObject({ size: 0x1_0000n, readonly: true });
    expect(containers[0]!.mappings.find(({ iova }) => iova === ROM_AT)).toMatchObject({ readonly: true });
    expect(romsOf(run([SET_ROM, ENABLE], file, 'vfio-user'))).toEqual(['vfio-user-pci.rom e1000000+10000']);
  });

  it.each([
    ['a ROM that is read', [SET_ROM, ENABLE, read('0x0'), read('0x8', 8), read('0x10', 4, true)], {}],
    ['a hidden ROM', [SET_ROM, ENABLE], { options: { rombar: false } }],
    ['a file', [SET_ROM, ENABLE, read('0x8')], { options: { romfile: '0x9200' } }],
    ['a ROM over a BAR', [{ ...SET_ROM, address: '0xe0000000' }, ENABLE, read('0x0')], {}],
    ['a ROM that is sized and reset', [SET_ROM, ENABLE, { op: 'reset' }], {}],
  ])('breaks no invariant: %s', (_, operations, device) => {
    const shown = new FingerprintSet(violationsOf(run(operations, device)));
    expect([...shown].map(fingerprintText)).toEqual([]);
  });
});
