import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deriveSeed } from '../src/campaign/index.ts';
import { decodeScenario, encodeScenario, toJsonText, type Scenario } from '../src/scenario/index.ts';
import { REVISIONS } from '../src/vfio/index.ts';
import {
  REAL_DEVICES,
  barSets,
  devices,
  hosts,
  machines,
  msixLayouts,
  operationSequences,
  pageSizes,
  scenarios,
  simplifyScenario,
} from './index.ts';

/** The scenario after it was written to a file and read again. */
const reread = (scenario: Scenario): Scenario =>
  decodeScenario(JSON.parse(toJsonText(encodeScenario(scenario))));

const of = <T>(values: fc.Arbitrary<T>, numRuns: number, seed = deriveSeed('generators', 'scenario')) =>
  fc.sample(values, { seed, numRuns });

describe('generated scenarios', () => {
  it.each(REVISIONS)('are valid for $id, and name it and its containers only', ({ id, iommus }) => {
    for (const scenario of of(scenarios({ revision: id, iommuTypes: iommus }), 250)) {
      expect(scenario).toMatchObject(reread(scenario));
      expect(scenario.revision).toBe(id);
      expect(iommus).toContain(scenario.host.iommu.type);
    }
  });

  it('are for the newest revision and all kinds of containers unless something else is asked for', () => {
    const drawn = of(scenarios(), 500);
    expect(new Set(drawn.map(({ revision }) => revision))).toEqual(new Set(['qemu-11.1']));
    expect(new Set(drawn.map(({ host }) => host.iommu.type)).size).toBe(4);
  });

  it('are the same after they were written and read', () => {
    for (const scenario of of(scenarios(), 50)) expect(reread(scenario)).toEqual(scenario);
  });

  it('can be asked for with sPAPR containers only', () => {
    const drawn = of(scenarios({ iommuTypes: ['spapr-tce-v2'] }), 20);
    expect(new Set(drawn.map(({ machine }) => machine.type))).toEqual(new Set(['pseries']));
  });

  it('have one to three devices, each with an id of its own', () => {
    const drawn = of(scenarios(), 500);
    expect(new Set(drawn.map(({ devices: all }) => all.length))).toEqual(new Set([1, 2, 3]));
  });

  it('are the same for the same seed, and others for another', () => {
    const text = (seed: number): string =>
      of(scenarios(), 50, seed)
        .map((each) => toJsonText(encodeScenario(each)))
        .join('');
    expect(text(1)).toBe(text(1));
    expect(text(1)).not.toBe(text(2));
  });

  it('are no longer than what somebody can read', () => {
    for (const { operations } of of(scenarios(), 500)) expect(operations.length).toBeLessThan(60);
  });
});

describe('the other arbitraries', () => {
  const machine = of(machines(), 20);

  it('fit together to scenarios that are valid', () => {
    for (const [index, each] of machine.entries()) {
      const plugged = of(devices('dev0', each.hostPageSize), 3, index)[0]!;
      const scenario: Scenario = {
        version: 1,
        machine: each,
        revision: 'qemu-11.1',
        host: of(hosts(each), 1, index)[0]!,
        devices: [plugged],
        operations: of(operationSequences(each, [plugged]), 1, index)[0]!,
      };
      expect(scenario).toMatchObject(reread(scenario));
    }
  });

  it('keep to what is asked for', () => {
    for (const each of machine) {
      for (const host of of(hosts(each, ['iommufd']), 5)) expect(host.iommu.type).toBe('iommufd');
    }
    for (const sizes of of(pageSizes(), 50)) {
      expect(sizes.length).toBeGreaterThan(0);
      for (const size of sizes) expect(size & (size - 1n)).toBe(0n);
    }
    for (const bars of of(barSets(), 200)) {
      expect(bars.length).toBeGreaterThan(0);
      expect(bars.map(({ index }) => index)).toEqual(
        bars.map(({ index }) => index).toSorted((a, b) => a - b),
      );
      // The register after a 64-bit BAR belongs to it.
      for (const [at, bar] of bars.entries()) {
        const next = bars[at + 1]?.index ?? 6;
        expect(next - bar.index).toBeGreaterThanOrEqual(bar.type.startsWith('mem64') ? 2 : 1);
      }
    }
  });

  it('make no MSI-X without a memory BAR', () => {
    const io = [{ index: 0, size: 0x100n, type: 'io', mmap: false }] as const;
    expect(of(msixLayouts(io), 20)).toEqual(Array.from({ length: 20 }, () => undefined));
    expect(of(msixLayouts([]), 1)).toEqual([undefined]);
  });

  it('name no smaller values of their own', () => {
    for (const each of [pageSizes(), machines(), barSets(), devices()]) {
      expect([...(each as fc.Arbitrary<unknown>).shrink(undefined, undefined)]).toEqual([]);
    }
    const [host, layout, operations] = [
      hosts(machine[0]!),
      msixLayouts([]),
      operationSequences(machine[0]!, []),
    ];
    for (const each of [host, layout, operations] as fc.Arbitrary<unknown>[]) {
      expect([...each.shrink(undefined, undefined)]).toEqual([]);
      expect(each.canShrinkWithoutContext({})).toBe(true);
    }
  });

  it('shrink scenarios to what simplifyScenario names', () => {
    const [scenario] = of(scenarios(), 1);
    const named = [...simplifyScenario(scenario!)];
    expect([...scenarios().shrink(scenario!, undefined)].map(({ value }) => value)).toEqual(named);
  });
});

describe('the real devices', () => {
  it('are many, each read somewhere, and can be written and read again', () => {
    expect(REAL_DEVICES.length).toBeGreaterThan(30);
    for (const { source, ...device } of REAL_DEVICES) {
      expect(source, device.name).not.toBe('');
      const { host, machine } = of(scenarios({ iommuTypes: ['type1'] }), 1)[0]!;
      const scenario = {
        version: 1,
        machine,
        revision: 'qemu-11.1',
        host,
        devices: [device],
        operations: [],
      } as const;
      expect(reread(scenario)).toEqual(scenario);
    }
  });

  it('are all drawn in the long run', () => {
    const names = new Set(
      REAL_DEVICES.map(({ vendor, device, msix }) => `${vendor} ${device} ${msix?.vectors}`),
    );
    const drawn = new Set(
      of(scenarios(), 4_000).flatMap(({ devices: all }) =>
        all.map(({ vendor, device, msix }) => `${vendor} ${device} ${msix?.vectors}`),
      ),
    );
    expect([...names].filter((name) => !drawn.has(name))).toEqual([]);
  });
});
