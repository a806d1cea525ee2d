import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeRegression } from '../campaign/index.ts';
import { violationsOf, type Violation } from '../invariants/index.ts';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { runOnModel } from '../model/index.ts';
import type { State, Trace } from '../trace/index.ts';
import { findRevision } from '../vfio/index.ts';
import { drawMemoryMap } from './memory-map.ts';

const run = (scenario: Scenario): Trace => runOnModel(scenario, findRevision(scenario.revision)!);

/** The trace of a case of the seed thread. */
const seedCase = (name: string): Trace => {
  const file = new URL(`../../regressions/seed/${name}.json`, import.meta.url);
  return run(decodeRegression(JSON.parse(readFileSync(file, 'utf8'))).scenario);
};

/** The trace of a machine whose device has one BAR of 16 KiB; `rest` replaces parts of the scenario. */
const generic = (rest: Record<string, unknown> = {}, hostPageSize = '0x1000'): Trace =>
  run(
    decodeScenario({
      version: 1,
      machine: { type: 'generic', ram: '0x10000000', hostPageSize },
      host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
      devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x4000', type: 'mem32' }] }],
      ...rest,
    }),
  );

const SHOWN = [
  { op: 'set-bar', device: 'dev0', bar: 0, address: '0x10000000' },
  { op: 'enable-memory', device: 'dev0' },
];

const violation = (rest: Partial<Violation> = {}): Violation => ({
  invariant: 'no-abort',
  cause: 'a-cause',
  message: 'a message',
  step: 2,
  ...rest,
});

const draw = (trace: Trace, rest: Partial<Violation> = {}): string =>
  drawMemoryMap(trace, violation(rest)).join('\n');

/** The columns of the line that begins with `address`. */
const lineAt = (map: string, address: string): string[] =>
  map
    .split('\n')
    .find((line) => line.startsWith(address))!
    .split(/ {2,}/);

/** The trace with its last state changed. */
const withLastState = (trace: Trace, change: Partial<State>): Trace => {
  const last = trace.steps.at(-1)!;
  return {
    ...trace,
    steps: [...trace.steps.slice(0, -1), { ...last, state: { ...last.state, ...change } }],
  };
};

describe('the memory map', () => {
  it('says which ranges are direct-mapped, trapped and DMA-mapped', () => {
    const at = { start: 0x2100_0000_e000n, end: 0x2100_0000_e600n };
    expect(draw(seedCase('sas3008-after-emulation'), { step: 3, at })).toMatchInlineSnapshot(`
      "address                              size  what                                      CPU      DMA
      0x210000000000-0x21000000dfff      56 KiB  dev0 0001:03:00.0 BAR 1 mmaps[0]          trapped  not mapped
      0x21000000e000-0x21000000e5ff  1536 bytes  dev0 msix-table                           trapped  -   <--
      0x21000000e600-0x21000000ffff  6656 bytes  dev0 0001:03:00.0 BAR 1 mmaps[0] @0xe600  trapped  not mapped
      0x210000040000-0x21000007ffff     256 KiB  dev0 0001:03:00.0 BAR 3 mmaps[0]          direct   not mapped"
    `);
  });

  it('marks a range whose DMA mapping the host refused', () => {
    const trace = seedCase('cx4-64k');
    const aligned = violationsOf(trace).find(({ invariant }) => invariant === 'map-aligned')!;
    expect(drawMemoryMap(trace, aligned).join('\n')).toMatchInlineSnapshot(`
      "address                         size  what                                      CPU      DMA
      0x8000000000-0x8000001fff      8 KiB  dev0 0000:01:00.0 BAR 0 mmaps[0]          -        refused, EINVAL   <--
      0x8000002000-0x80000023ff      1 KiB  dev0 msix-table                           trapped  -
      0x8000002400-0x8001ffffff  32759 KiB  dev0 0000:01:00.0 BAR 0 mmaps[0] @0x2400  -        not mapped"
    `);
  });

  it('says why the listener skipped a range, and which ranges are mapped in part', () => {
    const trace = seedCase('guest-4k-on-64k-host');
    const [warning] = violationsOf(trace);
    expect(drawMemoryMap(trace, warning!).join('\n')).toMatchInlineSnapshot(`
      "address                         size  what                                      CPU             DMA
      0x4000002000-0x4000012fff     68 KiB  buffer                                    trapped         skipped, incongruent   <--
      0x8000000000-0x8000001fff      8 KiB  dev0 0000:01:00.0 BAR 0 mmaps[0]          trapped         skipped, empty
      0x8000002000-0x80000023ff      1 KiB  dev0 msix-table                           trapped         -
      0x8000002400-0x8001ffffff  32759 KiB  dev0 0000:01:00.0 BAR 0 mmaps[0] @0x2400  direct in part  mapped in part"
    `);
  });

  it('says "not mapped" of device memory that the VMM never asked to map', () => {
    const map = draw(seedCase('sas3008-after'), { step: 3 });
    expect(lineAt(map, '0x210000040000')).toEqual([
      '0x210000040000-0x21000007ffff',
      '256 KiB',
      'dev0 0001:03:00.0 BAR 3 mmaps[0]',
      'direct',
      'not mapped',
    ]);
  });

  it('leaves the DMA column empty for ranges that are not RAM', () => {
    const io = { op: 'add-region', name: 'overlay', kind: 'io', address: '0x0', size: '0x1000' };
    expect(lineAt(draw(generic({ operations: [io] }), { step: 1 }), '0x0-')).toEqual([
      '0x0-0xfff',
      '4 KiB',
      'overlay',
      'trapped',
      '-',
    ]);
  });

  it("leaves out the machine's own ranges, unless the violation is about them", () => {
    const trace = generic({ operations: SHOWN });
    expect(draw(trace)).not.toContain(' ram ');
    const map = draw(trace, { at: { start: 0x1000n, end: 0x2000n } });
    expect(lineAt(map, '0x0-')).toEqual(['0x0-0xfffffff', '256 MiB', 'ram', 'direct', 'mapped', '<--']);
    expect(lineAt(map, '0x10000000-')).not.toContain('<--');
  });

  it('marks every range that overlaps the violation, and no neighbour', () => {
    const trace = seedCase('sas3008-after-emulation');
    const at = { start: 0x2100_0000_dfffn, end: 0x2100_0000_e001n };
    const marked = draw(trace, { step: 3, at })
      .split('\n')
      .filter((line) => line.endsWith('<--'));
    expect(marked.map((line) => line.slice(0, 14))).toEqual(['0x210000000000', '0x21000000e000']);
  });

  it('has a row for addresses without a range, and says whether a container maps them', () => {
    const trace = generic({ operations: SHOWN });
    const hole = { start: 0x2000_0000n, end: 0x2000_1000n };
    expect(lineAt(draw(trace, { at: hole }), '0x20000000')).toEqual([
      '0x20000000-0x20000fff',
      '4 KiB',
      '(nothing)',
      '-',
      '-',
      '<--',
    ]);
    const state = trace.steps.at(-1)!.state;
    const [container] = state.containers;
    const stale = { ...container!.mappings.at(-1)!, iova: hole.start as never, size: 0x1000n };
    const haunted = withLastState(trace, {
      containers: [{ ...container!, mappings: [...container!.mappings, stale] }],
    });
    expect(lineAt(draw(haunted, { at: hole }), '0x20000000')).toContain('mapped');
  });

  it('shows the state of the step of the violation, not the last state', () => {
    const trace = generic({ operations: [...SHOWN, { op: 'disable-memory', device: 'dev0' }] });
    expect(draw(trace, { step: 2 })).toContain('BAR 0');
    expect(draw(trace, { step: 3 })).toBe('');
    expect(draw(trace, { step: 1 })).toBe('');
  });

  it('shows the last state for a violation after teardown', () => {
    const trace = generic({ operations: SHOWN });
    expect(draw(trace, { step: trace.steps.length })).toBe(draw(trace));
  });

  it('is empty without device ranges and without an address of the violation', () => {
    expect(drawMemoryMap(generic(), violation({ step: 0 }))).toEqual([]);
    expect(drawMemoryMap({ ...generic(), steps: [] }, violation())).toEqual([]);
  });

  it('shows a range that ends at 2^64', () => {
    const top = { op: 'add-region', name: 'top', kind: 'io', address: '0xfffffffffffff000', size: '0x1000' };
    expect(lineAt(draw(generic({ operations: [top] }), { step: 1 }), '0xf')).toEqual([
      '0xfffffffffffff000-0xffffffffffffffff',
      '4 KiB',
      'top',
      'trapped',
      '-',
    ]);
  });

  it('has no spaces at the ends of lines', () => {
    for (const name of ['sas3008-before', 'guest-4k-on-64k-host', 'cx4-64k']) {
      expect(draw(seedCase(name), { step: 3 })).not.toMatch(/ $/m);
    }
  });

  it('leaves the CPU column of a BAR empty if the VMM died before the KVM listener ran', () => {
    // "trapped" would lead the reader to look for the fault in the MSI-X set-up.
    expect(lineAt(draw(seedCase('cx4-64k')), '0x8000000000')[3]).toBe('-');
  });

  it('shows a refused sPAPR window as refused', () => {
    const map = draw(seedCase('spapr-p2p-windows'), { step: 3 });
    expect(lineAt(map, '0x210000000000')[4]).toBe('refused, EINVAL');
  });

  it('ignores what the listener skips in a later step', () => {
    const trace = generic({ operations: SHOWN });
    const [start, placed, enabled] = trace.steps;
    const { start: address, region } = enabled!.state.flatView.find(({ region: r }) => r.owner === 'dev0')!;
    const later = {
      operation: { op: 'reset' },
      events: [
        {
          type: 'skip',
          container: 'container',
          reason: 'iommu-page',
          start: address,
          size: 0x4000n,
          region: region.name,
          deviceMemory: true,
        },
      ],
      state: enabled!.state,
    } as const;
    const unmapped = {
      ...enabled!,
      state: { ...enabled!.state, containers: [{ name: 'container', mappings: [] }] },
    };
    const longer = { ...trace, steps: [start!, placed!, unmapped, later] };
    expect(lineAt(draw(longer, { step: 2 }), '0x10000000')[4]).toBe('not mapped');
  });
});
