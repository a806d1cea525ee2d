import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { overlaps } from '../src/address/index.ts';
import { runOnModel } from '../src/model/index.ts';
import {
  isRealistic,
  needsOf,
  pciWindows,
  realismText,
  type BarSpec,
  type IommuTypeName,
  type Scenario,
} from '../src/scenario/index.ts';
import { NEWEST } from '../src/vfio/index.ts';
import { REALISTIC_SHARE, realisticServedScenarios, scenarios, servedHistories } from './index.ts';

const draw = (runs: number, options: Parameters<typeof scenarios>[0]): readonly Scenario[] =>
  fc.sample(scenarios(options), { seed: 7, numRuns: runs });

const barOf = ({ devices }: Scenario, device: string, index: number): BarSpec =>
  devices.find(({ id }) => id === device)!.bars.find((bar) => bar.index === index)!;

describe('realistic scenarios', () => {
  const real = draw(2_000, { realistic: true });
  const percent = (test: (scenario: Scenario) => boolean): number =>
    (100 * real.filter(test).length) / real.length;

  it('need nothing that no machine has', () => {
    for (const scenario of real) expect(realismText(needsOf(scenario))).toBe(realismText([]));
  });

  it.each<[string, number, (scenario: Scenario) => boolean]>([
    ['with q35', 20, ({ machine }) => machine.type === 'q35'],
    ['with virt', 20, ({ machine }) => machine.type === 'virt'],
    ['with pseries', 10, ({ machine }) => machine.type === 'pseries'],
    ['with pages of 64 KiB', 15, ({ machine }) => machine.hostPageSize === 0x1_0000n],
    ['on a named host', 25, ({ machine }) => machine.cpu !== undefined],
    ['with several devices', 25, ({ devices }) => devices.length > 1],
    [
      'with a BAR above 4 GiB',
      25,
      (scenario) => {
        const { high } = pciWindows(scenario);
        return scenario.operations.some(
          (operation) => operation.op === 'set-bar' && high !== undefined && operation.address >= high.start,
        );
      },
    ],
    [
      'with a move while memory is disabled',
      8,
      ({ operations }) =>
        operations.some(
          ({ op }, index) => op === 'disable-memory' && operations[index + 1]?.op === 'set-bar',
        ),
    ],
    ['with a BAR sized', 5, ({ operations }) => operations.some(({ op }) => op === 'size-bar')],
    ['with a hotplug', 15, ({ operations }) => operations.some(({ op }) => op === 'hotplug')],
    ['with a reset', 4, ({ operations }) => operations.some(({ op }) => op === 'reset')],
    ['with MSI-X enabled', 25, ({ operations }) => operations.some(({ op }) => op === 'enable-msix')],
    [
      'with a BAR that finds no room',
      1,
      ({ devices, operations }) =>
        devices.some(({ id, bars }) =>
          bars.some(
            ({ index, type }) =>
              type !== 'io' &&
              !operations.some(
                (operation) =>
                  operation.op === 'set-bar' && operation.device === id && operation.bar === index,
              ),
          ),
        ),
    ],
    [
      'with two BARs side by side',
      20,
      (scenario) => {
        const ranges = scenario.operations.flatMap((operation) => {
          if (operation.op !== 'set-bar') return [];
          const bar = barOf(scenario, operation.device, operation.bar);
          return bar.type === 'io' ? [] : [{ start: operation.address, end: operation.address + bar.size }];
        });
        return ranges.some(({ end }) => ranges.some(({ start }) => start === end));
      },
    ],
  ])('are drawn %s in %i percent of the cases or more', (_, least, test) => {
    expect(percent(test)).toBeGreaterThanOrEqual(least);
  });

  it('run to the end in nine of ten cases', () => {
    const ended = real.slice(0, 500).filter((scenario) => runOnModel(scenario, NEWEST).outcome === 'ok');
    expect(ended.length).toBeGreaterThan(450);
  });

  // Behind a bridge the memory window that is not prefetchable is below 4 GiB.
  it('put a 64-bit BAR that is not prefetchable below 4 GiB behind root ports, and above on the root bus', () => {
    const places = new Set(
      real
        .filter(({ machine }) => machine.type === 'q35')
        .flatMap((scenario) =>
          scenario.operations.flatMap((operation) =>
            operation.op === 'set-bar' && barOf(scenario, operation.device, operation.bar).type === 'mem64'
              ? [operation.address < 1n << 32n ? 'below' : 'above']
              : [],
          ),
        ),
    );
    expect([...places].toSorted()).toEqual(['above', 'below']);
  });

  it('put large BARs of one device in front of small ones in natural order, and never two over one another', () => {
    for (const scenario of real.slice(0, 300)) {
      const last = new Map<string, { start: bigint; end: bigint }>();
      const steps = scenario.operations.findIndex(({ op }) => op === 'unplug' || op === 'reset');
      for (const operation of scenario.operations.slice(0, steps === -1 ? undefined : steps)) {
        if (operation.op !== 'set-bar') continue;
        const bar = barOf(scenario, operation.device, operation.bar);
        if (bar.type === 'io') continue;
        expect(operation.address % bar.size).toBe(0n);
        last.set(`${operation.device} ${operation.bar}`, {
          start: operation.address,
          end: operation.address + bar.size,
        });
      }
      const ranges = [...last.values()];
      for (const [index, range] of ranges.entries())
        for (const other of ranges.slice(index + 1)) expect(overlaps(range, other)).toBe(false);
    }
  });

  it.each<[IommuTypeName]>([['type1'], ['iommufd'], ['spapr-tce-v2'], ['vfio-user']])(
    'are drawn with %s alone',
    (type) => {
      const drawn = draw(40, { realistic: true, iommuTypes: [type] });
      expect(new Set(drawn.map(({ host }) => host.iommu.type))).toEqual(new Set([type]));
      expect(drawn.every(isRealistic)).toBe(true);
    },
  );

  it('are drawn for cloud-hypervisor on its own machine', () => {
    const drawn = draw(60, {
      revision: 'cloud-hypervisor-53.0',
      machineTypes: ['generic'],
      iommuTypes: ['type1'],
      realistic: true,
    });
    expect(drawn.every(isRealistic)).toBe(true);
  });

  it('cannot be drawn where no real machine has the kind of container', () => {
    expect(() => draw(1, { realistic: true, machineTypes: ['generic'] })).toThrow(RangeError);
    expect(() => draw(1, { realistic: true, machineTypes: ['q35'], iommuTypes: ['spapr-tce-v2'] })).toThrow(
      RangeError,
    );
  });
});

describe('realistic scenarios for a real QEMU', () => {
  it('need nothing that no machine has, alone and in lists', () => {
    const alone = fc.sample(realisticServedScenarios('q35', 'virt', 'pseries'), { seed: 1, numRuns: 200 });
    expect(alone.filter((scenario) => !isRealistic(scenario))).toEqual([]);
    const lists = servedHistories({ lanes: 2, histories: 3, realistic: true }, 'q35', 'virt');
    const drawn = fc.sample(lists, { seed: 1, numRuns: 40 }).flat(2);
    expect(drawn.filter((scenario) => !isRealistic(scenario))).toEqual([]);
  });
});

describe('any scenarios', () => {
  it(`are realistic in ${REALISTIC_SHARE} percent of the cases, and by chance in some more`, () => {
    const drawn = draw(3_000, {});
    const share = (100 * drawn.filter(isRealistic).length) / drawn.length;
    expect(share).toBeGreaterThan(REALISTIC_SHARE - 2);
    expect(share).toBeLessThan(REALISTIC_SHARE + 15);
  });
});
