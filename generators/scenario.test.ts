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

/** The scenario, written as JSON and read again. */
const reread = (scenario: Scenario): Scenario =>
  decodeScenario(JSON.parse(toJsonText(encodeScenario(scenario))));

const of = <T>(values: fc.Arbitrary<T>, numRuns: number, seed = deriveSeed('generators', 'scenario')) =>
  fc.sample(values, { seed, numRuns });

describe('generated scenarios', () => {
  it.each(REVISIONS)(
    'are valid for $id, name that revision, and use only its kinds of container',
    ({ id, iommus }) => {
      for (const scenario of of(scenarios({ revision: id, iommuTypes: iommus }), 250)) {
        expect(scenario).toMatchObject(reread(scenario));
        expect(scenario.revision).toBe(id);
        expect(iommus).toContain(scenario.host.iommu.type);
      }
    },
  );

  it('name the newest revision and use every kind of container by default', () => {
    const drawn = of(scenarios(), 500);
    expect(new Set(drawn.map(({ revision }) => revision))).toEqual(new Set(['qemu-11.1']));
    expect(new Set(drawn.map(({ host }) => host.iommu.type)).size).toBe(4);
  });

  it('survive writing and reading unchanged', () => {
    for (const scenario of of(scenarios(), 50)) expect(reread(scenario)).toEqual(scenario);
  });

  it('run only on pseries when only sPAPR containers are allowed', () => {
    const drawn = of(scenarios({ iommuTypes: ['spapr-tce-v2'] }), 20);
    expect(new Set(drawn.map(({ machine }) => machine.type))).toEqual(new Set(['pseries']));
  });

  it('have one, two or three devices', () => {
    const drawn = of(scenarios(), 500);
    expect(new Set(drawn.map(({ devices: all }) => all.length))).toEqual(new Set([1, 2, 3]));
  });

  it('are the same for the same seed, and differ for another seed', () => {
    const text = (seed: number): string =>
      of(scenarios(), 50, seed)
        .map((each) => toJsonText(encodeScenario(each)))
        .join('');
    expect(text(1)).toBe(text(1));
    expect(text(1)).not.toBe(text(2));
  });

  it('have fewer than 60 operations', () => {
    for (const { operations } of of(scenarios(), 500)) expect(operations.length).toBeLessThan(60);
  });
});

describe('the other arbitraries', () => {
  const machine = of(machines(), 20);

  it('combine into valid scenarios', () => {
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

  it('give the chosen IOMMU type, page sizes that are powers of two, and BARs that share no register', () => {
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

  it('do not shrink', () => {
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

  it('shrink a scenario to exactly the scenarios of simplifyScenario', () => {
    const [scenario] = of(scenarios(), 1);
    const named = [...simplifyScenario(scenario!)];
    expect([...scenarios().shrink(scenario!, undefined)].map(({ value }) => value)).toEqual(named);
  });
});

describe('the real devices', () => {
  it('are more than 30, each with its source, and survive writing and reading unchanged', () => {
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

  it('are all drawn within 4,000 scenarios', () => {
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
